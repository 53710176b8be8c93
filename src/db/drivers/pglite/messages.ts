/** Length of a request to switch to TLS or GSS, which comes where a startup message may, and their codes (protocol 3.0, section 54.7). */
const ENCRYPTION_CODES = new Set([80877103, 80877104]);
const CANCEL_CODE = 80877102;

/** No statement that anybody types or that our own commands send is longer. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** One that is not simply for the backend. */
export type SpecialMessage =
  | { readonly kind: "encryption" | "cancel" | "terminate" }
  | { readonly kind: "startup"; readonly bytes: Uint8Array };

/** Messages have their bytes as they came. */
export type FrontendMessage = SpecialMessage | { readonly kind: "other"; readonly bytes: Uint8Array };

/** Cuts what a Postgres client sends into messages. Pure: bytes in, messages out. */
export class FrontendReader {
  private pending = Buffer.alloc(0);
  private started = false;

  /** Throws `RangeError` for a length that no message has. */
  *push(chunk: Uint8Array): Generator<FrontendMessage> {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (let message = this.next(); message !== undefined; message = this.next()) yield message;
  }

  private next(): FrontendMessage | undefined {
    const lengthAt = this.started ? 1 : 0;
    if (this.pending.length < lengthAt + 4) return undefined;
    const length = this.pending.readUInt32BE(lengthAt);
    if (length < (this.started ? 4 : 8) || length > MAX_MESSAGE_BYTES)
      throw new RangeError("impossible message length");
    const end = lengthAt + length;
    if (this.pending.length < end) return undefined;
    const bytes = Uint8Array.from(this.pending.subarray(0, end));
    this.pending = this.pending.subarray(end);
    return this.started ? later(bytes) : this.first(bytes);
  }

  private first(bytes: Uint8Array): FrontendMessage {
    const code = new DataView(bytes.buffer).getUint32(4);
    if (ENCRYPTION_CODES.has(code)) return { kind: "encryption" };
    if (code === CANCEL_CODE) return { kind: "cancel" };
    this.started = true;
    return { kind: "startup", bytes };
  }
}

function later(bytes: Uint8Array): FrontendMessage {
  return String.fromCharCode(bytes[0] ?? 0) === "X" ? { kind: "terminate" } : { kind: "other", bytes };
}

/** `Sync`: ends whatever a client left half said. */
export const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4);

/** A simple `Query` with this text. */
export function queryMessage(text: string): Uint8Array {
  return framed("Q", Buffer.from(`${text}\0`));
}

function framed(type: string, body: Buffer): Uint8Array {
  const message = new Uint8Array(5 + body.length);
  message[0] = type.charCodeAt(0);
  new DataView(message.buffer).setUint32(1, 4 + body.length);
  message.set(body, 5);
  return message;
}

/** A client's parameter in its startup message: name and value, each ended by a NUL, after length and version. */
export function startupParameter(startup: Uint8Array, name: string): string | undefined {
  const words = Buffer.from(startup.subarray(8)).toString("latin1").split("\0");
  const at = words.findIndex((word, index) => index % 2 === 0 && word === name);
  return at === -1 ? undefined : words[at + 1];
}

/** An `ErrorResponse` after which a server hangs up. */
export function fatalMessage(sqlState: string, message: string): Uint8Array {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`);
  return framed("E", body);
}

/** True for a message that Postgres always answers: `Query` and `Sync`. */
export function wantsAnswer(message: Uint8Array): boolean {
  return message[0] === 0x51 || message[0] === 0x53;
}
