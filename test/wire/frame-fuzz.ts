import { WireViolation } from "../../daemon/errors.ts";
import { ConnectionState, type WireRequest } from "../../daemon/wire/connection-state.ts";
import { encodeFrame } from "../../daemon/wire/frame.ts";
import { FrameReader } from "../../daemon/wire/frame-reader.ts";
import { maxSegmentBytes, parseWorkerMessage } from "../../daemon/wire/messages.ts";

const MAX_FRAME_BYTES = 100_000;

export interface FuzzReport {
  readonly frames: number;
  /** Streams by how reading them ended: `ok`, or a violation's code. */
  readonly ends: ReadonlyMap<string, number>;
  /** Seeds of streams that were read differently in one piece and in many, or threw what is no violation. */
  readonly failures: readonly { readonly seed: number; readonly what: string }[];
}

/** Reads at least `frames` generated frames, in streams of up to 12: valid ones, mutated, truncated, interleaved. Seeds count up from `seed`. */
export function fuzzFrames(frames: number, seed: number): FuzzReport {
  const ends = new Map<string, number>();
  const failures: { seed: number; what: string }[] = [];
  let count = 0;
  for (let at = seed; count < frames; at++) {
    const random = generator(at);
    const { bytes, made } = generate(random);
    count += made;
    try {
      const whole = read([bytes]);
      const pieces = read(cut(bytes, random));
      if (whole !== pieces) failures.push({ seed: at, what: `${whole} in one piece, ${pieces} in many` });
      const end = whole.slice(whole.lastIndexOf(" ") + 1);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    } catch (error) {
      failures.push({ seed: at, what: String(error) });
    }
  }
  return { frames: count, ends, failures };
}

/** What reading gives, as one line: the messages' types and how it ended. Also what the connection's state makes of them. */
function read(pieces: readonly Buffer[]): string {
  const seen: string[] = [];
  const state = new ConnectionState<WireRequest>();
  state.sendHello();
  const reader = new FrameReader(
    (message) => maxSegmentBytes(message, MAX_FRAME_BYTES),
    (frame, segments) => {
      const message = parseWorkerMessage(frame, segments);
      let bytes = 0;
      for (const segment of segments) for (const part of segment) bytes += part.length;
      seen.push(`${message.type}:${bytes}`);
      state.receive(message);
      if (message.type === "ready" && state.phase === "ready") {
        for (const stream of [false, true]) {
          if (state.inFlight < state.capacity) state.sendInfer({ stream, credit: 2, nextSeq: undefined });
        }
      }
    },
  );
  try {
    for (const piece of pieces) reader.push(piece);
    reader.end();
    return `${seen.join(",")} ok`;
  } catch (error) {
    if (!(error instanceof WireViolation)) throw error;
    return `${seen.join(",")} ${error.code}`;
  }
}

type Random = (below: number) => number;

/** mulberry32: the same numbers for the same seed everywhere. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function generate(random: Random): { readonly bytes: Buffer; readonly made: number } {
  const frames: Buffer[] = greeting(random);
  const made = random(10) + 1;
  for (let i = 0; i < made; i++) frames.push(anyFrame(random));
  let bytes: Buffer = Buffer.concat(frames);
  if (random(3) === 0) bytes = mutate(bytes, random);
  if (random(6) === 0) bytes = bytes.subarray(0, random(bytes.length + 1));
  if (random(8) === 0) bytes = interleave(bytes, anyFrame(random), random);
  return { bytes, made: made + 2 };
}

function greeting(random: Random): Buffer[] {
  const hello = { type: "hello", protocol: 1, nonce: "n", pid: 1, sdk: "0" };
  const ready = {
    type: "ready",
    name: "m",
    methods: ["predict"],
    inputs: [],
    outputs: [],
    maxBatch: 1 + random(3),
    concurrency: 1,
  };
  return [frame(hello), frame(ready)];
}

function anyFrame(random: Random): Buffer {
  const id = 1 + random(3);
  const headers = { "content-type": "text/event-stream" };
  const body = Buffer.alloc(random(4) === 0 ? random(3_000) : random(40), random(256));
  switch (random(10)) {
    case 0:
      return frame({ type: "result", id, status: 200 + random(450), headers }, [body]);
    case 1:
      return frame({ type: "error", id, code: "MODEL_ERROR", message: "m".repeat(random(60)) });
    case 2:
      return frame({ type: "start", id: 2, status: 200, headers });
    case 3:
    case 4:
      return frame({ type: "chunk", id: 2, seq: random(3) }, [body]);
    case 5:
      return frame({ type: "end", id });
    case 6:
      return frame({ type: "pong", id, deep: nested(random(40)) });
    case 7:
      return frame({ type: "health", id, status: ["ok", "failed", "skipped", "odd"][random(4)], message: "é☃🙂" });
    case 8:
      return frame({ type: "failed", code: "INTERNAL", message: "" });
    default:
      return Buffer.concat(encodeFrame(BROKEN[random(BROKEN.length)] ?? ""));
  }
}

/** What a generator of good frames would never come to. */
const BROKEN = [
  '{"type":"pong","id":1,"id":2}',
  '{"type":"pong","id":1,"segments":[3]}',
  '{"type":"result","id":1,"status":200,"headers":{},"segments":[1000000]}',
  '{"type":"chunk","id":2,"seq":0,"segments":[0.5]}',
  '{"type":"pong","id":NaN}',
  "[]",
  "",
] as const;

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function frame(message: object, body: readonly Buffer[] = []): Buffer {
  const segments = body.length === 0 ? {} : { segments: body.map((piece) => piece.length) };
  return Buffer.concat(encodeFrame(JSON.stringify({ ...message, ...segments }), body));
}

function mutate(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  const places = 1 + random(3);
  for (let i = 0; i < places && changed.length > 0; i++) changed[random(changed.length)] = random(256);
  return changed;
}

function interleave(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at)]);
}

function cut(bytes: Buffer, random: Random): readonly Buffer[] {
  const pieces: Buffer[] = [];
  const largest = 1 + random(200);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random(largest);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
