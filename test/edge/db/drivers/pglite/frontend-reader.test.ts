import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrontendReader } from "../../../../../src/db/drivers/pglite/frontend-reader.ts";
import { queryMessage, SYNC } from "../../../../../src/db/drivers/pglite/messages.ts";

/** A startup message of this version with these parameters. */
function startup(version: number, parameters: string, length = 8 + parameters.length): Buffer {
  const message = Buffer.alloc(8 + parameters.length);
  message.writeUInt32BE(length);
  message.writeUInt32BE(version, 4);
  message.write(parameters, 8, "latin1");
  return message;
}

const VERSION = 0x30000;
const started = startup(VERSION, "user\0me\0\0");
const sslRequest = startup(80877103, "");
const message = (type: string, length = 4) => Buffer.concat([Buffer.from(type), startup(0, "", length).subarray(0, 4)]);
const conversation = Buffer.concat([sslRequest, started, queryMessage("select 1"), SYNC, message("X")]);

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
        expect(reader.pendingBytes).toBe(0);
      }),
    );
  });

  it("copies a long message in small pieces a few times in all, not once a piece", () => {
    const reader = new FrontendReader();
    const text = "x".repeat(1024 * 1024);
    const bytes = Buffer.concat([started, queryMessage(text)]);
    let copied = 0;
    const pieces = Array.from({ length: Math.ceil(bytes.length / 64) }, (_, index) =>
      Buffer.from(bytes.subarray(index * 64, index * 64 + 64)),
    );
    const copy = Buffer.prototype.copy;
    Buffer.prototype.copy = function (...args: Parameters<typeof copy>) {
      const count = copy.apply(this, args);
      copied += count;
      return count;
    };
    try {
      expect(pieces.flatMap((piece) => [...reader.push(piece)]).map(({ kind }) => kind)).toEqual(["startup", "other"]);
    } finally {
      Buffer.prototype.copy = copy;
    }
    expect(copied).toBeLessThan(4 * bytes.length);
  });

  it.each([
    ["a startup message shorter than its own head", startup(VERSION, "", 7), "invalid length of startup packet"],
    ["a startup message longer than 10,000 bytes", startup(VERSION, "", 10_001), "invalid length of startup packet"],
    ["version 2.0", startup(0x20000, "user\0me\0\0"), "unsupported frontend protocol"],
    ["version 9.0", startup(0x90000, "user\0me\0\0"), "unsupported frontend protocol"],
    ["a startup message without its last NUL", startup(VERSION, "user\0me\0"), /^invalid startup packet layout/],
    ["a startup message without an end", startup(VERSION, "user"), /^invalid startup packet layout/],
    ["a startup message that goes on after its end", startup(VERSION, "a\0b\0\0c\0"), /^invalid startup packet layout/],
    ["an unknown type", Buffer.concat([started, message("z")]), "invalid frontend message type"],
    ["a password that nobody asked for", Buffer.concat([started, message("p")]), "invalid frontend message type"],
    ["another startup message", Buffer.concat([started, started]), "invalid frontend message type"],
    ["a length below that of itself", Buffer.concat([started, message("Q", 3)]), "invalid message length"],
    [
      "a message longer than 16 MiB",
      Buffer.concat([started, message("Q", 16 * 1024 * 1024 + 1)]),
      "invalid message length",
    ],
    ["a Sync longer than 10,000 bytes", Buffer.concat([started, message("S", 10_001)]), "invalid message length"],
  ])("refuses %s before the rest of it is there", (_, bytes, sentence) => {
    expect(() => [...new FrontendReader().push(bytes)]).toThrow(sentence);
  });
});
