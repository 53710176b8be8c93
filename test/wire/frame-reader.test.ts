import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WireViolation } from "../../daemon/errors.ts";
import { encodeFrame } from "../../daemon/wire/frame.ts";
import { FrameReader, type Segment } from "../../daemon/wire/frame-reader.ts";
import { MAX_FRAME_BYTES, MAX_JSON_BYTES } from "../../daemon/wire/limits.ts";
import { maxSegmentBytes, parseWorkerMessage } from "../../daemon/wire/messages.ts";
import type { JsonObject } from "../../daemon/wire/strict-json.ts";
import { type FrameVector, frameVectors } from "./vectors.ts";

const anyLength = () => MAX_FRAME_BYTES;

interface Reading {
  readonly messages: readonly JsonObject[];
  readonly violation: string | null;
}

/** Reads pieces as the daemon does, down to whole messages of a worker. */
function readAsDaemon(pieces: readonly Buffer[], maxFrameBytes = MAX_FRAME_BYTES): Reading {
  const messages: JsonObject[] = [];
  const reader = new FrameReader(
    (frame) => maxSegmentBytes(frame, maxFrameBytes),
    (frame, segments) => {
      messages.push(asVector(parseWorkerMessage(frame, segments)));
    },
  );
  try {
    for (const piece of pieces) reader.push(piece);
    reader.end();
    return { messages, violation: null };
  } catch (error) {
    if (!(error instanceof WireViolation)) throw error;
    return { messages, violation: error.code };
  }
}

function asVector(message: object): JsonObject {
  if (!("segments" in message)) return { ...message };
  const segments = (message.segments as readonly Segment[]).map((parts) => Buffer.concat(parts).toString("hex"));
  return { ...message, segments };
}

/** What a vector gives, without the fields that its receiver leaves out. */
function expectReading(reading: Reading, vector: FrameVector): void {
  expect(reading.violation).toBe(vector.violation);
  expect(reading.messages.length).toBe(vector.messages.length);
  reading.messages.forEach((message, index) => {
    const { segments = [], ...expected } = vector.messages[index] ?? {};
    expect(message).toMatchObject(expected);
    if ("segments" in message) expect(message.segments).toEqual(segments);
  });
}

const forDaemon = frameVectors.filter((vector) => vector.receiver === "daemon");

describe("FrameReader on the golden vectors", () => {
  it.each(forDaemon)("reads in one piece: $name", (vector) => {
    expectReading(readAsDaemon([Buffer.from(vector.hex, "hex")], vector.maxFrameBytes), vector);
  });

  it.each(forDaemon)("reads byte by byte: $name", (vector) => {
    const bytes = Buffer.from(vector.hex, "hex");
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expectReading(readAsDaemon(pieces, vector.maxFrameBytes), vector);
  });

  it.each(forDaemon)("reads split in two at every byte: $name", (vector) => {
    const bytes = Buffer.from(vector.hex, "hex");
    for (let at = 1; at < bytes.length; at++) {
      expectReading(readAsDaemon([bytes.subarray(0, at), bytes.subarray(at)], vector.maxFrameBytes), vector);
    }
  });

  it("reads what the daemon writes back to the same messages, for the worker's vectors", () => {
    for (const vector of frameVectors) {
      if (vector.violation !== null) continue;
      for (const { segments, ...message } of vector.messages) {
        const body = ((segments ?? []) as string[]).map((hex) => Buffer.from(hex, "hex"));
        const lengths = segments === undefined ? {} : { segments: body.map((piece) => piece.length) };
        const seen: JsonObject[] = [];
        const reader = new FrameReader(anyLength, (frame, parts) => {
          seen.push({
            ...frame,
            ...(segments === undefined ? {} : { segments: parts.map((part) => Buffer.concat(part).toString("hex")) }),
          });
        });
        for (const buffer of encodeFrame(JSON.stringify({ ...message, ...lengths }), body)) reader.push(buffer);
        reader.end();
        expect(seen).toEqual([segments === undefined ? message : { ...message, segments }]);
      }
    }
  });
});

describe("FrameReader", () => {
  it("refuses a length as soon as its four bytes are there", () => {
    const reader = new FrameReader(anyLength, () => undefined);
    reader.push(Buffer.from([0, 0x10, 0]));
    expect(() => reader.push(Buffer.from([1]))).toThrow(expect.objectContaining({ code: "BAD_LENGTH" }));
  });

  it("takes a frame whose JSON is exactly 1 MiB", () => {
    const start = '{"type":"pong","id":1,"x":"';
    const json = `${start}${"x".repeat(MAX_JSON_BYTES - start.length - 2)}"}`;
    const { messages, violation } = readAsDaemon([...encodeFrame(json)]);
    expect([messages.length, violation]).toEqual([1, null]);
  });

  it("refuses segments before any byte of them is there", () => {
    const json = `{"type":"result","id":1,"status":200,"headers":{},"segments":[${MAX_FRAME_BYTES + 1}]}`;
    expect(readAsDaemon([...encodeFrame(json)]).violation).toBe("BAD_SEGMENTS");
  });

  it("gives segments as views of what was pushed, without a copy", () => {
    const body = Buffer.alloc(100_000, 7);
    const [head] = encodeFrame('{"type":"x","segments":[100000]}');
    let parts: Segment = [];
    const reader = new FrameReader(anyLength, (_, segments) => {
      parts = segments[0] ?? [];
    });
    reader.push(head as Buffer);
    reader.push(body.subarray(0, 60_000));
    reader.push(body.subarray(60_000));
    expect(parts.map((part) => part.length)).toEqual([60_000, 40_000]);
    expect(parts.every((part) => part.buffer === body.buffer)).toBe(true);
  });

  it("keeps nothing of frames it has given, however they straddle the pieces", () => {
    const frame = Buffer.concat([...encodeFrame('{"type":"pong","id":1}')]);
    const stream = Buffer.concat(Array.from({ length: 1_000 }, () => frame));
    let frames = 0;
    const reader = new FrameReader(anyLength, () => {
      frames++;
    });
    for (let at = 0; at < stream.length; at += 7) {
      reader.push(stream.subarray(at, at + 7));
      expect(reader.bufferedBytes).toBeLessThan(frame.length);
    }
    expect([frames, reader.bufferedBytes]).toEqual([1_000, 0]);
  });

  it("takes time linear in the bytes when a frame comes in single bytes", () => {
    // 8 MiB in single bytes: a reader that looks at its pieces again for each would need 10^13 steps.
    const length = 8 * 1_048_576;
    let seen = 0;
    const reader = new FrameReader(anyLength, (_, segments) => {
      seen = segments[0]?.length ?? 0;
    });
    for (const buffer of encodeFrame(`{"type":"x","segments":[${length}]}`)) reader.push(buffer);
    const byte = Buffer.alloc(1);
    for (let i = 0; i < length; i++) reader.push(byte);
    expect(seen).toBe(length);
  });

  it("reads any sequence of frames in any pieces to the same messages", () => {
    const frames = fc.array(
      fc.record({ id: fc.integer({ min: 1 }), segments: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }), (list, sizes) => {
        const stream = Buffer.concat(list.flatMap(({ id, segments }) => [...encodeResult(id, segments)]));
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(readAsDaemon(pieces)).toEqual(readAsDaemon([stream]));
        expect(readAsDaemon(pieces).messages.map((message) => message.id)).toEqual(list.map(({ id }) => id));
      }),
      { numRuns: 300 },
    );
  });
});

function encodeResult(id: number, segments: readonly Uint8Array[]): readonly Buffer[] {
  const lengths = segments.map((segment) => segment.length);
  const json = JSON.stringify({ type: "result", id, status: 200, headers: {}, segments: lengths });
  return encodeFrame(
    json,
    segments.map((segment) => Buffer.from(segment)),
  );
}
