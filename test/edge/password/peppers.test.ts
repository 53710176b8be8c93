import { describe, expect, it } from "vitest";
import { NO_PEPPERS, readPeppers } from "../../../src/password/peppers.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");

describe("PASSWORD_PEPPERS", () => {
  it.each([undefined, "", "  ", "{}"])("may be absent: %j", (setting) => {
    expect(readPeppers(setting)).toEqual(NO_PEPPERS);
  });

  it("makes the last one written current, also when its id looks like a number", () => {
    const peppers = readPeppers(`{"20":"${KEY}", "3":"${KEY}"}`);
    expect(peppers.current?.keyId).toBe(Buffer.from("3").toString("base64").replace(/=+$/, ""));
    expect(peppers.byKeyId.size).toBe(2);
  });

  it.each([
    ["text that is not JSON", "k1=abc"],
    ["a list", `["${KEY}"]`],
    ["a number", "1"],
    ["the same id twice", `{"k1":"${KEY}","k1":"${KEY}"}`],
    ["an id of nine characters", `{"123456789":"${KEY}"}`],
    ["an empty id", `{"":"${KEY}"}`],
    ["an id with a comma", `{"a,b":"${KEY}"}`],
    ["a key that is no text", '{"k1":1}'],
    ["a key that is not base64", '{"k1":"not base64 at all, is it"}'],
    ["a key of fifteen bytes", `{"k1":"${Buffer.alloc(15).toString("base64")}"}`],
  ])("is refused with %s, in a sentence that quotes no key", (_, setting) => {
    expect(() => readPeppers(setting)).toThrow(/^PASSWORD_PEPPERS/);
    expect(() => readPeppers(setting)).not.toThrow(KEY);
  });
});
