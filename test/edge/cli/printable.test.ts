import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, printableJson } from "../../../src/cli/printable.ts";

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;

describe("printable", () => {
  it("leaves an ordinary address as it is, in any script", () => {
    for (const address of ["ann@example.test", "o'hara+x@example.test", "\u{43f}\u{43e}@\u{43f}.test"])
      expect(printable(address)).toBe(address);
  });

  it.each([
    ["a command to the terminal", "a\u001b[2Jb@x.test", '"a\\u{1b}[2Jb@x.test"'],
    ["one of eight bits", "a\u009b2Jb@x.test", '"a\\u{9b}2Jb@x.test"'],
    ["a line break", "a\nb@x.test", '"a\\nb@x.test"'],
    ["a change of direction", "a\u202eb@x.test", '"a\\u{202e}b@x.test"'],
    ["a space", "a b@x.test", '"a b@x.test"'],
    ["a quote", '"a"@x.test', '"\\"a\\"@x.test"'],
    ["what looks like one that was written out", "a\\u{9b}b@x.test", '"a\\\\u{9b}b@x.test"'],
    ["nothing", "", '""'],
  ])("quotes an address with %s", (_what, address, shown) => {
    expect(printable(address).replaceAll("\\u001b", "\\u{1b}")).toBe(shown);
  });

  it("shows nothing that cannot be seen, whatever the address", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (address) => !INVISIBLE.test(printable(address))));
  });
});

describe("printableJson", () => {
  it("says the same value without a character that a terminal obeys", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (values) => {
        const json = printableJson({ values });
        expect(JSON.parse(json)).toEqual({ values });
        expect(json.replaceAll("\n", "")).not.toMatch(INVISIBLE);
      }),
    );
  });
});
