import { WireViolation } from "../errors.ts";
import type { Segment } from "./frame-reader.ts";
import { MAX_CHUNK_BYTES, PROTOCOL_VERSION } from "./limits.ts";
import { isJsonObject, type JsonObject } from "./strict-json.ts";

export type Headers = Readonly<Record<string, string>>;

/** A model's input or output as it declares it; `shape` has -1 where any length will do. */
export interface TensorDeclaration {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface WorkerHello {
  readonly type: "hello";
  readonly protocol: number;
  readonly nonce: string;
  readonly pid: number;
  readonly sdk: string;
}

export interface Ready {
  readonly type: "ready";
  readonly name: string;
  readonly methods: readonly string[];
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  readonly maxBatch: number;
  readonly concurrency: number;
}

export interface Health {
  readonly type: "health";
  readonly id: number;
  readonly status: "ok" | "failed" | "skipped";
  readonly message: string;
}

/** What a worker may say, PROTOCOL.md section 4. */
export type WorkerMessage =
  | WorkerHello
  | Ready
  | Health
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | {
      readonly type: "result";
      readonly id: number;
      readonly status: number;
      readonly headers: Headers;
      readonly segments: readonly Segment[];
    }
  | { readonly type: "error"; readonly id: number; readonly code: string; readonly message: string }
  | { readonly type: "start"; readonly id: number; readonly status: number; readonly headers: Headers }
  | { readonly type: "chunk"; readonly id: number; readonly seq: number; readonly segments: readonly Segment[] }
  | { readonly type: "end"; readonly id: number }
  | { readonly type: "pong"; readonly id: number };

export interface Infer {
  readonly type: "infer";
  readonly id: number;
  readonly route: string;
  readonly stream: boolean;
  readonly credit: number;
  readonly timeoutMs: number;
  readonly headers: Headers;
  readonly segments: readonly number[];
}

/** What the daemon may say, PROTOCOL.md section 4. */
export type DaemonMessage =
  | { readonly type: "hello"; readonly protocol: number; readonly nonce: string; readonly maxFrameBytes: number }
  | Infer
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "credit"; readonly id: number; readonly n: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "check"; readonly id: number }
  | { readonly type: "drain" };

/** Bytes of segments that a worker's message of this type may carry; what has no type is refused for that, once it is read. */
export function maxSegmentBytes(frame: JsonObject, maxFrameBytes: number): number {
  if (frame.type === "chunk") return Math.min(MAX_CHUNK_BYTES, maxFrameBytes);
  return frame.type !== "result" && isWorkerType(frame.type) ? 0 : maxFrameBytes;
}

/**
 * Reads a frame as a message of a worker, PROTOCOL.md section 4. Throws WireViolation UNKNOWN_TYPE, BAD_FIELD or BAD_SEGMENTS.
 * Fields it does not know are left out.
 */
export function parseWorkerMessage(frame: JsonObject, segments: readonly Segment[]): WorkerMessage {
  const type = frame.type;
  if (segments.length > 0 && type !== "result" && type !== "chunk" && isWorkerType(type)) {
    throw new WireViolation("BAD_SEGMENTS", `A ${type} carries segments.`);
  }
  switch (type) {
    case "result":
      return { type, id: id(frame), status: status(frame), headers: headers(frame), segments };
    case "chunk":
      return { type, id: id(frame), seq: integer(frame, "seq", 0), segments };
    case "start":
      return { type, id: id(frame), status: status(frame), headers: headers(frame) };
    case "end":
    case "pong":
      return { type, id: id(frame) };
    case "error":
      return { type, id: id(frame), code: text(frame, "code"), message: text(frame, "message") };
    case "health":
      return health(frame);
    case "hello":
      return hello(frame);
    case "ready":
      return ready(frame);
    case "failed":
      return { type, code: text(frame, "code"), message: text(frame, "message") };
    default:
      throw new WireViolation("UNKNOWN_TYPE", "A worker sent a message of no type that it may send.");
  }
}

const WORKER_TYPES: readonly WorkerMessage["type"][] = [
  "hello",
  "ready",
  "failed",
  "result",
  "error",
  "start",
  "chunk",
  "end",
  "pong",
  "health",
];

function isWorkerType(type: unknown): type is WorkerMessage["type"] {
  return (WORKER_TYPES as readonly unknown[]).includes(type);
}

function hello(frame: JsonObject): WorkerHello {
  const protocol = integer(frame, "protocol", 0);
  // Another version may have other fields: its number is all there is to read.
  if (protocol !== PROTOCOL_VERSION) return { type: "hello", protocol, nonce: "", pid: 0, sdk: "" };
  return {
    type: "hello",
    protocol,
    nonce: text(frame, "nonce"),
    pid: integer(frame, "pid", 1),
    sdk: text(frame, "sdk"),
  };
}

function ready(frame: JsonObject): Ready {
  const methods = frame.methods;
  if (!Array.isArray(methods) || !methods.every((method) => typeof method === "string")) throw badField("methods");
  return {
    type: "ready",
    name: text(frame, "name"),
    methods,
    inputs: tensors(frame, "inputs"),
    outputs: tensors(frame, "outputs"),
    maxBatch: integer(frame, "maxBatch", 1),
    concurrency: integer(frame, "concurrency", 1),
  };
}

function health(frame: JsonObject): Health {
  const value = frame.status;
  if (value !== "ok" && value !== "failed" && value !== "skipped") throw badField("status");
  return { type: "health", id: id(frame), status: value, message: value === "failed" ? text(frame, "message") : "" };
}

function tensors(frame: JsonObject, key: string): readonly TensorDeclaration[] {
  const value = frame[key];
  if (!Array.isArray(value)) throw badField(key);
  return value.map((item: unknown) => {
    if (!isJsonObject(item)) throw badField(key);
    const shape = item.shape;
    if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= -1))
      throw badField("shape");
    return { name: text(item, "name"), datatype: text(item, "datatype"), shape };
  });
}

/** RFC 9110 section 5.5: what a header may hold. Node throws at any other when the answer is written, which is too late to say whose fault it is. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function headers(frame: JsonObject): Headers {
  const value = frame.headers;
  if (!isJsonObject(value)) throw badField("headers");
  for (const name in value) {
    const text = value[name];
    if (typeof text !== "string" || !FIELD_VALUE.test(text)) throw badField("headers");
  }
  return value as Headers;
}

function id(frame: JsonObject): number {
  return integer(frame, "id", 1);
}

function status(frame: JsonObject): number {
  const value = integer(frame, "status", 200);
  if (value > 599) throw badField("status");
  return value;
}

function integer(frame: JsonObject, key: string, least: number): number {
  const value = frame[key];
  if (!Number.isSafeInteger(value) || (value as number) < least) throw badField(key);
  return value as number;
}

function text(frame: JsonObject, key: string): string {
  const value = frame[key];
  if (typeof value !== "string") throw badField(key);
  return value;
}

function badField(key: string): WireViolation {
  return new WireViolation("BAD_FIELD", `The field ${key} of a message is missing or not what it should be.`);
}
