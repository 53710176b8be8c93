/** Type and length. */
const HEAD_BYTES = 5;

/** As much of a message as we look at: the severity stands at the beginning of an error. */
const LOOKED_AT_BYTES = 64;

/** `NoticeResponse`, `ParameterStatus` and `NotificationResponse` come at any time and answer nothing. */
const ASIDES = new Set(["N", "S", "A"]);

/** Follows a backend's messages (protocol 3.0, section 54.7) through its output, however that is cut. Pure. */
export class AnswerReader {
  /** True after an error that belongs to no `Query`: the backend passes over all there is until `Sync`. */
  awaitsSync = false;
  /** True after any error. */
  hasFailed = false;
  /** True after an error of a severity that a backend does not survive. */
  saysPanic = false;
  private isReady = false;
  private readonly start = Buffer.alloc(LOOKED_AT_BYTES);
  private seen = 0;
  private length = HEAD_BYTES;

  /** True when what came so far ends in `ReadyForQuery` outside a transaction: the client is done for now. */
  get isIdle(): boolean {
    return this.isReady && this.seen === 0;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + this.length - this.seen);
      if (this.seen < LOOKED_AT_BYTES) this.start.set(part.subarray(0, LOOKED_AT_BYTES - this.seen), this.seen);
      at += part.length;
      this.seen += part.length;
      if (this.seen === HEAD_BYTES) this.length = Math.max(HEAD_BYTES, 1 + this.start.readUInt32BE(1));
      if (this.seen === this.length) this.end();
    }
  }

  private end(): void {
    const message = this.start.toString("latin1", 0, this.length);
    this.seen = 0;
    this.length = HEAD_BYTES;
    const type = message.charAt(0);
    if (ASIDES.has(type)) return;
    this.isReady = type === "Z" && message.charAt(HEAD_BYTES) === "I";
    if (type === "Z") this.awaitsSync = false;
    if (type !== "E") return;
    this.awaitsSync = true;
    this.hasFailed = true;
    this.saysPanic ||= /\0V(?:PANIC|FATAL)\0/.test(message);
  }
}
