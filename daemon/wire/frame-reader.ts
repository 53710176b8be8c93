import { WireViolation } from "../errors.ts";
import { MAX_JSON_BYTES, MAX_SEGMENTS } from "./limits.ts";
import { type JsonObject, parseStrictObject } from "./strict-json.ts";

/** The bytes of one segment, in the pieces they arrived in: views of what was pushed, nothing copied. */
export type Segment = readonly Buffer[];

export type FrameListener = (message: JsonObject, segments: readonly Segment[]) => void;

const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);
const NO_SEGMENTS: readonly Segment[] = [];

/**
 * Bytes in, frames out (PROTOCOL.md section 1): pure, incremental, linear. Lengths are checked as soon as they are there, before
 * anything is kept for them. After a violation the reader is of no more use.
 */
export class FrameReader {
  private readonly chunks: Buffer[] = [];
  private head = 0;
  private headOffset = 0;
  private available = 0;
  private jsonLength = 0;
  private message: JsonObject | undefined;
  private segmentLengths: readonly number[] = [];
  private segmentsLength = 0;
  /** What holds the bytes that `passOver` passed. */
  private contiguous: Buffer = NOTHING;

  /** `maxSegmentBytes` says how many bytes of segments a message may announce. */
  constructor(
    private readonly maxSegmentBytes: (message: JsonObject) => number,
    private readonly onFrame: FrameListener,
  ) {}

  /** Bytes of an unfinished frame that are kept. */
  get bufferedBytes(): number {
    return this.available;
  }

  /** Takes the next bytes and calls the listener for every frame they complete. Throws WireViolation. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.available += chunk.length;
    while (this.step());
    // What was read reaches into the newest chunk, so at most that one stays.
    if (this.head === this.chunks.length) this.chunks.length = 0;
    else if (this.head > 0) this.chunks.splice(0, this.head);
    this.head = 0;
  }

  /** Says that no more bytes come. Throws WireViolation TRUNCATED when they end inside a frame. */
  end(): void {
    if (this.available > 0 || this.jsonLength > 0 || this.message !== undefined) {
      throw new WireViolation("TRUNCATED", "The connection ended inside a frame.");
    }
  }

  /** Reads one part of a frame if all its bytes are there. */
  private step(): boolean {
    if (this.message !== undefined) return this.readSegments(this.message);
    if (this.jsonLength > 0) return this.readJson();
    return this.readLength();
  }

  private readLength(): boolean {
    if (this.available < LENGTH_BYTES) return false;
    const start = this.passOver(LENGTH_BYTES);
    const length = this.contiguous.readUInt32BE(start);
    if (length === 0 || length > MAX_JSON_BYTES) {
      throw new WireViolation(
        "BAD_LENGTH",
        `A frame announces ${length} bytes of JSON; 1 to ${MAX_JSON_BYTES} are allowed.`,
      );
    }
    this.jsonLength = length;
    return true;
  }

  private readJson(): boolean {
    if (this.available < this.jsonLength) return false;
    const start = this.passOver(this.jsonLength);
    const message = parseStrictObject(this.contiguous, start, start + this.jsonLength);
    this.jsonLength = 0;
    const lengths = message.segments;
    if (lengths === undefined) {
      this.onFrame(message, NO_SEGMENTS);
      return true;
    }
    this.segmentsLength = sumOfSegments(lengths, this.maxSegmentBytes(message));
    this.segmentLengths = lengths as readonly number[];
    this.message = message;
    return true;
  }

  private readSegments(message: JsonObject): boolean {
    if (this.available < this.segmentsLength) return false;
    const segments = this.segmentLengths.map((length) => this.takeParts(length));
    this.message = undefined;
    this.onFrame(message, segments);
    return true;
  }

  /** Passes the next `length` bytes: they begin in `contiguous` where this says, copied only when they lie in several chunks. */
  private passOver(length: number): number {
    const chunk = this.chunks[this.head] as Buffer;
    const start = this.headOffset;
    if (start + length < chunk.length) {
      this.contiguous = chunk;
      this.headOffset += length;
      this.available -= length;
      return start;
    }
    const parts = this.takeParts(length);
    this.contiguous = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
    return 0;
  }

  private takeParts(length: number): Buffer[] {
    const parts: Buffer[] = [];
    let missing = length;
    this.available -= length;
    while (missing > 0) {
      const chunk = this.chunks[this.head] as Buffer;
      const end = this.headOffset + missing;
      if (end < chunk.length) {
        parts.push(chunk.subarray(this.headOffset, end));
        this.headOffset = end;
        return parts;
      }
      parts.push(this.headOffset === 0 ? chunk : chunk.subarray(this.headOffset));
      missing -= chunk.length - this.headOffset;
      this.headOffset = 0;
      this.head++;
    }
    return parts;
  }
}

function sumOfSegments(lengths: unknown, maxBytes: number): number {
  if (!Array.isArray(lengths) || lengths.length > MAX_SEGMENTS) {
    throw new WireViolation(
      "BAD_SEGMENTS",
      `The segments of a frame are not an array of at most ${MAX_SEGMENTS} lengths.`,
    );
  }
  let sum = 0;
  for (const length of lengths) {
    if (!Number.isInteger(length) || length < 0) {
      throw new WireViolation("BAD_SEGMENTS", "A segment's length is not an integer from 0.");
    }
    sum += length as number;
  }
  if (sum > maxBytes) {
    throw new WireViolation("BAD_SEGMENTS", `The segments of a frame sum to ${sum} bytes; ${maxBytes} are allowed.`);
  }
  return sum;
}
