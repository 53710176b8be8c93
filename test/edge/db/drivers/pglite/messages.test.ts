import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  FrontendReader,
  queryMessage,
  SYNC,
  startupParameter,
  wantsAnswer,
} from "../../../../../src/db/drivers/pglite/messages.ts";

const startup = Buffer.from("\0\0\0\x12\0\x03\0\0user\0me\0\0\0", "latin1").subarray(0, 18);
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const terminate = Buffer.from("X\0\0\0\x04", "latin1");
const conversation = Buffer.concat([sslRequest, startup, queryMessage("select 1"), SYNC, terminate]);

describe("FrontendReader", () => {
  it("reads the same messages however the bytes are cut", () => {
    const whole = [...new FrontendReader().push(conversation)];
    expect(whole.map(({ kind }) => kind)).toEqual(["encryption", "startup", "other", "other", "terminate"]);
    fc.assert(
      fc.property(fc.array(fc.nat(conversation.length), { maxLength: 20 }), (cuts) => {
        const reader = new FrontendReader();
        const ends = [...cuts.toSorted((a, b) => a - b), conversation.length];
        const messages = ends.flatMap((end, index) => [
          ...reader.push(conversation.subarray(ends[index - 1] ?? 0, end)),
        ]);
        expect(messages).toEqual(whole);
      }),
    );
  });

  it.each([
    ["a startup message shorter than its own head", [0, 0, 0, 7, 0, 0, 0, 0]],
    ["a message longer than 64 MiB", [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
  ])("refuses %s", (_, bytes) => {
    expect(() => [...new FrontendReader().push(Uint8Array.from(bytes))]).toThrow(RangeError);
  });
});

describe("startupParameter", () => {
  it("finds a parameter by its name and not by a value that looks like one", () => {
    const message = Buffer.from("\0\0\0\0\0\x03\0\0user\0application_name\0application_name\0mine\0\0", "latin1");
    expect(startupParameter(message, "application_name")).toBe("mine");
    expect(startupParameter(message, "database")).toBeUndefined();
  });
});

describe("wantsAnswer", () => {
  it("is true for what Postgres always answers", () => {
    expect([SYNC, queryMessage("select 1"), Buffer.from("P\0\0\0\x04")].map(wantsAnswer)).toEqual([true, true, false]);
  });
});
