import type { ByteBudget } from "../bridge/byte-budget.ts";
import type { Clock, Timer } from "../clock.ts";
import { AnswerError } from "../errors.ts";
import { BodyPieces } from "./body-pieces.ts";
import type { Exchange, LeaveListener } from "./exchange.ts";

/** Bytes an upload brings in a second, at least, over each `stallMs`. */
const LEAST_BYTES_PER_SECOND = 1_024;

export interface Body {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
}

export interface ReadBodyOptions {
  readonly maxBytes: number;
  readonly budget: ByteBudget;
  readonly clock: Clock;
  /** On the clock: when the upload must be whole. */
  readonly deadlineAt: number;
  /** Milliseconds after each of which an upload that brought too little is refused. */
  readonly stallMs: number;
}

/**
 * Reads a request's body whole, counting its bytes against the budget as they come (so that an upload that stalls
 * holds no more than it sent). The bytes stay counted; who takes the body gives them back. Rejects with AnswerError BODY_TOO_LARGE,
 * OVERLOADED, DEADLINE_EXCEEDED when it is late or brings less than LEAST_BYTES_PER_SECOND, CANCELLED when the caller leaves, or BAD_REQUEST
 * when it is coded in a way that we do not read; then they are given back.
 */
export function readBody(exchange: Exchange, options: ReadBodyOptions): Promise<Body> {
  const { headers } = exchange.request;
  if (Number(headers["content-length"]) > options.maxBytes) return Promise.reject(tooLarge(options.maxBytes));
  // RFC 9112 section 6.1: Node undoes `chunked`, and would hand over what is coded otherwise as it came.
  if (headers["transfer-encoding"] !== undefined && !/^chunked$/i.test(headers["transfer-encoding"]))
    return Promise.reject(new AnswerError("BAD_REQUEST", "Transfer-Encoding must be chunked, alone."));
  return new Promise((resolve, reject) => new BodyReader(exchange, options, resolve, reject));
}

/** Listens with functions that are not named: the compiler we run under gives every named one its name at run time, at a cost. */
class BodyReader implements LeaveListener {
  private readonly pieces = new BodyPieces();
  private timer: Timer;
  /** Bytes there were at the last look. */
  private bytesBefore = 0;
  private isOver = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly options: ReadBodyOptions,
    private readonly resolve: (body: Body) => void,
    private readonly reject: (error: AnswerError) => void,
  ) {
    const { request } = exchange;
    this.timer = this.nextLook();
    request.on("data", (piece: Buffer) => this.onData(piece));
    request.on("end", () => this.onEnd());
    exchange.tellWhenLeft(this);
    exchange.continueUpload();
  }

  onLeave(): void {
    this.refuse(new AnswerError("CANCELLED", "The caller left during the upload."));
  }

  private onData(piece: Buffer): void {
    if (this.isOver) return;
    const { maxBytes, budget } = this.options;
    if (this.pieces.bytes + piece.length > maxBytes) {
      this.refuse(tooLarge(maxBytes));
    } else if (!budget.take(this.exchange.caller, piece.length)) {
      this.refuse(new AnswerError("OVERLOADED", "The daemon holds as many bytes as it may.", { retryAfterSeconds: 1 }));
    } else {
      this.pieces.add(piece);
    }
  }

  private onEnd(): void {
    if (this.isOver) return;
    this.stop();
    this.resolve({ pieces: this.pieces.take(), bytes: this.pieces.bytes });
  }

  private nextLook(): Timer {
    const { clock, deadlineAt, stallMs } = this.options;
    return clock.after(Math.min(deadlineAt - clock.now(), stallMs), () => this.look());
  }

  private look(): void {
    const { clock, deadlineAt, stallMs } = this.options;
    const brought = this.pieces.bytes - this.bytesBefore;
    // A connection that we do not read, because its caller does not read earlier answers, cannot bring anything.
    const isStalled = brought < (stallMs / 1_000) * LEAST_BYTES_PER_SECOND && !this.exchange.request.socket.isPaused();
    if (clock.now() >= deadlineAt || isStalled) {
      this.refuse(new AnswerError("DEADLINE_EXCEEDED", "The body did not arrive in time."));
      return;
    }
    this.bytesBefore = this.pieces.bytes;
    this.timer = this.nextLook();
  }

  private refuse(error: AnswerError): void {
    if (this.isOver) return;
    this.stop();
    this.options.budget.give(this.exchange.caller, this.pieces.bytes);
    this.reject(error);
  }

  private stop(): void {
    this.isOver = true;
    this.timer.cancel();
    this.exchange.tellWhenLeft(undefined);
  }
}

function tooLarge(maxBytes: number): AnswerError {
  return new AnswerError("BODY_TOO_LARGE", `The body is longer than ${maxBytes} bytes.`);
}
