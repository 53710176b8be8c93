import type { ByteBudget } from "../bridge/byte-budget.ts";
import type { Clock, Timer } from "../clock.ts";
import { AnswerError } from "../errors.ts";
import { BodyPieces } from "./body-pieces.ts";
import type { Exchange } from "./exchange.ts";

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
}

/**
 * Reads a request's body whole, counting its bytes against the budget as they come (so that an upload that stalls
 * holds no more than it sent). The bytes stay counted; who takes the body gives them back. Rejects with AnswerError BODY_TOO_LARGE,
 * OVERLOADED, DEADLINE_EXCEEDED, or CANCELLED when the caller leaves; then they are given back.
 */
export function readBody(exchange: Exchange, options: ReadBodyOptions): Promise<Body> {
  if (Number(exchange.request.headers["content-length"]) > options.maxBytes)
    return Promise.reject(tooLarge(options.maxBytes));
  return new Promise((resolve, reject) => new BodyReader(exchange, options, resolve, reject));
}

class BodyReader {
  private readonly pieces = new BodyPieces();
  private readonly timer: Timer;

  constructor(
    private readonly exchange: Exchange,
    private readonly options: ReadBodyOptions,
    private readonly resolve: (body: Body) => void,
    private readonly reject: (error: AnswerError) => void,
  ) {
    const { clock, deadlineAt } = options;
    this.timer = clock.after(deadlineAt - clock.now(), this.onLate);
    exchange.request.on("data", this.onData);
    exchange.request.on("end", this.onEnd);
    exchange.onLeave(this.onLeave);
    exchange.continueUpload();
  }

  private readonly onData = (piece: Buffer) => {
    const { maxBytes, budget } = this.options;
    if (this.pieces.bytes + piece.length > maxBytes) {
      this.refuse(tooLarge(maxBytes));
    } else if (!budget.take(this.exchange.caller, piece.length)) {
      this.refuse(new AnswerError("OVERLOADED", "The daemon holds as many bytes as it may.", { retryAfterSeconds: 1 }));
    } else {
      this.pieces.add(piece);
    }
  };

  private readonly onEnd = () => {
    this.stop();
    this.resolve({ pieces: this.pieces.take(), bytes: this.pieces.bytes });
  };

  private readonly onLate = () => this.refuse(new AnswerError("DEADLINE_EXCEEDED", "The body did not arrive in time."));

  private readonly onLeave = () => this.refuse(new AnswerError("CANCELLED", "The caller left during the upload."));

  private refuse(error: AnswerError): void {
    this.stop();
    this.options.budget.give(this.exchange.caller, this.pieces.bytes);
    this.reject(error);
  }

  private stop(): void {
    const { request } = this.exchange;
    this.timer.cancel();
    request.off("data", this.onData);
    request.off("end", this.onEnd);
    this.exchange.onLeave(ignore);
  }
}

function ignore(): void {}

function tooLarge(maxBytes: number): AnswerError {
  return new AnswerError("BODY_TOO_LARGE", `The body is longer than ${maxBytes} bytes.`);
}
