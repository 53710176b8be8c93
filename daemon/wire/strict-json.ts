import { isUtf8 } from "node:buffer";
import { WireViolation } from "../errors.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";

export type JsonObject = { readonly [key: string]: unknown };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Parses the JSON of one frame (PROTOCOL.md section 1), from `start` to before `end`: UTF-8, an object, at most 32 deep, no key twice.
 * Linear in the bytes. Throws WireViolation BAD_UTF8, BAD_JSON, TOO_DEEP or DUPLICATE_KEY.
 */
export function parseStrictObject(bytes: Buffer, start = 0, end = bytes.length): JsonObject {
  const shape = scan(bytes, start, end);
  if (!shape.ascii && !isUtf8(bytes.subarray(start, end)))
    throw new WireViolation("BAD_UTF8", "The JSON of a frame is not UTF-8.");
  const value = parse(bytes.toString(shape.ascii ? "latin1" : "utf8", start, end));
  if (shape.depth > MAX_JSON_DEPTH) {
    throw new WireViolation("TOO_DEEP", `The JSON of a frame is nested deeper than ${MAX_JSON_DEPTH}.`);
  }
  // JSON.parse keeps the last of two equal keys: then the text has more colons outside its strings than the value has keys.
  if (countKeys(value) !== shape.colons) {
    throw new WireViolation("DUPLICATE_KEY", "The JSON of a frame has a key twice in one object.");
  }
  return value;
}

interface Shape {
  readonly ascii: boolean;
  readonly depth: number;
  readonly colons: number;
}

function scan(bytes: Buffer, start: number, end: number): Shape {
  let highBits = 0;
  let depth = 0;
  let deepest = 0;
  let colons = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    highBits |= byte;
    if (byte === QUOTE) {
      for (i++; i < end; i++) {
        const inside = bytes[i] as number;
        highBits |= inside;
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) highBits |= bytes[++i] ?? 0;
      }
    } else if (byte === COLON) {
      colons++;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > deepest) deepest = depth;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
  return { ascii: highBits < 0x80, depth: deepest, colons };
}

function parse(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WireViolation("BAD_JSON", "A frame does not hold JSON.", { cause });
  }
  if (!isJsonObject(value)) throw new WireViolation("BAD_JSON", "The JSON of a frame is not an object.");
  return value;
}

/** Whether a parsed JSON value is an object, not an array and not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keys of all objects in a value at most MAX_JSON_DEPTH deep. */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  for (const key in value) {
    count += 1 + countKeys((value as JsonObject)[key]);
  }
  return count;
}
