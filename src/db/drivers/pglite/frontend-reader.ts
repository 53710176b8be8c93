/** Codes in the place of a version (protocol 3.0, section 54.7): requests to switch to TLS or GSS, and to cancel a statement. */
const ENCRYPTION_CODES = new Set([80877103, 80877104]);
const CANCEL_CODE = 80877102;
const MAJOR_VERSION = 3;

/** As Postgres has them: for what comes first, and for messages that hold no text or value of the client's. */
const MAX_STARTUP_BYTES = 10_000;
const MAX_SMALL_BYTES = 10_000;

/** No statement that anybody types or that our own commands send is longer: a thousand accounts at once have about 0.5 MiB. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** `Query`, `Parse`, `Bind`, `FunctionCall` and `CopyData`; then `Execute`, `Describe`, `Close`, `Flush`, `Sync`, `CopyDone`, `CopyFail`, `Terminate`. */
const LARGE_TYPES = new Set("QPBFd");
const SMALL_TYPES = new Set("EDCHScfX");

/** One that is not simply for the backend. */
export type SpecialMessage =
  | { readonly kind: "encryption" | "cancel" | "terminate" }
  | { readonly kind: "startup"; readonly bytes: Uint8Array };

/** Messages have their bytes as they came. */
export type FrontendMessage = SpecialMessage | { readonly kind: "other"; readonly bytes: Uint8Array };

/** What a client sent is nothing that Postgres understands, or too much. */
export class ProtocolError extends Error {
  constructor(
    readonly sqlState: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Cuts what a Postgres client sends into messages, and lets none through that a backend would end for: ours is everybody's.
 * Pure: bytes in, messages out.
 */
export class FrontendReader {
  private buffer: Buffer = Buffer.alloc(0);
  private from = 0;
  private to = 0;
  private started = false;

  /** What is kept until the rest of a message comes. */
  get pendingBytes(): number {
    return this.to - this.from;
  }

  /** Throws `ProtocolError`. */
  *push(chunk: Buffer): Generator<FrontendMessage> {
    this.append(chunk);
    for (let message = this.next(); message !== undefined; message = this.next()) yield message;
  }

  /** Into a buffer that doubles, so that a message in small pieces is not copied once a piece. */
  private append(chunk: Buffer): void {
    const { pendingBytes } = this;
    if (pendingBytes === 0) {
      this.buffer = chunk;
      this.from = 0;
      this.to = chunk.length;
      return;
    }
    if (this.to + chunk.length > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(2 * pendingBytes, pendingBytes + chunk.length));
      this.buffer.copy(grown, 0, this.from, this.to);
      this.buffer = grown;
      this.from = 0;
      this.to = pendingBytes;
    }
    chunk.copy(this.buffer, this.to);
    this.to += chunk.length;
  }

  private next(): FrontendMessage | undefined {
    const lengthAt = this.started ? 1 : 0;
    const pending = this.buffer.subarray(this.from, this.to);
    if (pending.length < lengthAt + 4) return undefined;
    const length = pending.readUInt32BE(lengthAt);
    if (this.started) assertMessage(String.fromCharCode(pending.readUInt8(0)), length);
    else assertStartupLength(length);
    const end = lengthAt + length;
    if (pending.length < end) return undefined;
    this.from += end;
    const bytes = pending.subarray(0, end);
    return this.started ? later(bytes) : this.first(bytes);
  }

  private first(bytes: Buffer): FrontendMessage {
    const code = bytes.readUInt32BE(4);
    if (ENCRYPTION_CODES.has(code)) return { kind: "encryption" };
    if (code === CANCEL_CODE) return { kind: "cancel" };
    assertStartup(bytes);
    this.started = true;
    return { kind: "startup", bytes };
  }
}

function later(bytes: Buffer): FrontendMessage {
  return String.fromCharCode(bytes.readUInt8(0)) === "X" ? { kind: "terminate" } : { kind: "other", bytes };
}

function assertStartupLength(length: number): void {
  if (length < 8 || length > MAX_STARTUP_BYTES) throw new ProtocolError("08P01", "invalid length of startup packet");
}

function assertStartup(bytes: Buffer): void {
  if (bytes.readUInt16BE(4) !== MAJOR_VERSION) throw new ProtocolError("0A000", "unsupported frontend protocol");
  // Names, none of them empty, each with a value and each ended by a NUL, and another NUL.
  if (!/^(?:[^\0]+\0[^\0]*\0)*\0$/.test(bytes.toString("latin1", 8))) {
    throw new ProtocolError("08P01", "invalid startup packet layout: expected terminator as last byte");
  }
}

function assertMessage(type: string, length: number): void {
  if (!LARGE_TYPES.has(type) && !SMALL_TYPES.has(type)) {
    throw new ProtocolError("08P01", "invalid frontend message type");
  }
  if (length < 4 || length > (SMALL_TYPES.has(type) ? MAX_SMALL_BYTES : MAX_MESSAGE_BYTES)) {
    throw new ProtocolError("08P01", "invalid message length");
  }
}
