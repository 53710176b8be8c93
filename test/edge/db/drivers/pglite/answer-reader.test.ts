import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerReader } from "../../../../../src/db/drivers/pglite/answer-reader.ts";

/** A message of the backend. */
function message(type: string, body = ""): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, Buffer.from(body, "latin1")]);
}

const error = (severity: string) => message("E", `S${severity}\0V${severity}\0CXX000\0M${"long ".repeat(50)}\0\0`);
const row = message("D", "\0\x01Z\0\0\0\x05I VFATAL\0\0VFATAL\0".repeat(20));

/** What is known after these bytes, in one chunk or cut anywhere. */
function readInChunks(bytes: Buffer, cuts: readonly number[] = []) {
  const reader = new AnswerReader();
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  ends.forEach((end, index) => void reader.push(bytes.subarray(ends[index - 1] ?? 0, end)));
  const { isIdle, awaitsSync, hasFailed, saysPanic } = reader;
  return { isIdle, awaitsSync, hasFailed, saysPanic };
}

const nothing = { isIdle: false, awaitsSync: false, hasFailed: false, saysPanic: false };

describe("AnswerReader", () => {
  it.each([
    ["idle", [row, message("C", "SELECT 1\0"), message("Z", "I")], { isIdle: true }],
    ["idle, and a setting that changed", [message("Z", "I"), message("S", "a\0b\0")], { isIdle: true }],
    ["inside a transaction", [message("Z", "T")], {}],
    ["inside a failed transaction", [error("ERROR"), message("Z", "E")], { hasFailed: true }],
    ["idle, then half said", [message("Z", "I"), message("1")], {}],
    ["a message that is not whole", [message("Z", "I"), row.subarray(0, 30)], {}],
    ["a row that looks like the end of an answer", [row], {}],
    ["an error that waits for Sync", [message("1"), error("ERROR")], { awaitsSync: true, hasFailed: true }],
    ["an error that is over", [error("ERROR"), message("Z", "I")], { isIdle: true, hasFailed: true }],
    ["a panic", [row, error("PANIC")], { awaitsSync: true, hasFailed: true, saysPanic: true }],
    ["a fatal error", [row, error("FATAL")], { awaitsSync: true, hasFailed: true, saysPanic: true }],
  ])("knows %s, however the bytes are cut", (_, messages, known) => {
    const bytes = Buffer.concat(messages);
    expect(readInChunks(bytes)).toEqual({ ...nothing, ...known });
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        expect(readInChunks(bytes, cuts)).toEqual({ ...nothing, ...known });
      }),
    );
  });
});
