import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../clock.ts";

/** Bytes a reader takes in a second, at least, of an answer that waits for it. */
const LEAST_BYTES_PER_SECOND = 131_072;

export interface ReaderWatchOptions {
  readonly response: ServerResponse;
  readonly clock: Clock;
  /** Milliseconds a reader may take nothing. */
  readonly stallMs: number;
  /** How many bytes have waited for the reader since the watch began. */
  readonly waitingBytes: () => number;
}

/**
 * Ends the connection of a reader that takes nothing of what waits for it in `stallMs`, or not all of it in `stallMs` and the time that
 * LEAST_BYTES_PER_SECOND gives it. A pipelined answer waits for the one before it, and that is not its reader's time.
 */
export class ReaderWatch {
  private timer: Timer | undefined;
  /** When the answer could be written; undefined while it waits for its turn on the connection. */
  private since: number | undefined;

  constructor(private readonly options: ReaderWatchOptions) {}

  /** Something waits for the reader. Watches on if it did already. */
  start(): void {
    if (this.timer === undefined) this.look();
  }

  /** Nothing waits any more. */
  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.since === undefined) return;
    this.since = undefined;
    this.options.response.socket?.setTimeout(0);
  }

  private look(): void {
    const { response, clock, stallMs } = this.options;
    const { socket } = response;
    if (socket === null) {
      this.lookAgainIn(stallMs);
      return;
    }
    const now = clock.now();
    if (this.since === undefined) {
      this.since = now;
      // Node sees each byte that the reader takes of a single write, and destroys the socket when there was none; our own counts are per write.
      socket.setTimeout(stallMs);
    }
    const endsAt = this.since + stallMs + (this.options.waitingBytes() / LEAST_BYTES_PER_SECOND) * 1_000;
    if (now < endsAt) this.lookAgainIn(endsAt - now);
    else response.destroy();
  }

  private lookAgainIn(ms: number): void {
    this.timer = this.options.clock.after(ms, () => this.look());
  }
}
