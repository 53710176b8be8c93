import type { ByteBudget } from "../bridge/byte-budget.ts";
import type { Clock } from "../clock.ts";
import { AnswerError } from "../errors.ts";
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
 * Reads a request's body whole, without copying it, counting its bytes against the budget as they come (so that an upload that stalls
 * holds no more than it sent). The bytes stay counted; who takes the body gives them back. Rejects with AnswerError BODY_TOO_LARGE,
 * OVERLOADED, DEADLINE_EXCEEDED, or CANCELLED when the caller leaves; then they are given back.
 */
export function readBody(exchange: Exchange, options: ReadBodyOptions): Promise<Body> {
  const { request, caller } = exchange;
  const { maxBytes, budget, clock, deadlineAt } = options;
  const tooLarge = () => new AnswerError("BODY_TOO_LARGE", `The body is longer than ${maxBytes} bytes.`);
  if (Number(request.headers["content-length"]) > maxBytes) return Promise.reject(tooLarge());

  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;

    const stop = () => {
      timer.cancel();
      request.off("data", onData);
      request.off("end", onEnd);
      exchange.onLeave(() => undefined);
    };
    const refuse = (error: AnswerError) => {
      stop();
      budget.give(caller, bytes);
      reject(error);
    };
    const onData = (piece: Buffer) => {
      if (bytes + piece.length > maxBytes) return refuse(tooLarge());
      if (!budget.take(caller, piece.length)) {
        return refuse(
          new AnswerError("OVERLOADED", "The daemon holds as many bytes as it may.", { retryAfterSeconds: 1 }),
        );
      }
      pieces.push(piece);
      bytes += piece.length;
    };
    const onEnd = () => {
      stop();
      resolve({ pieces, bytes });
    };
    const timer = clock.after(deadlineAt - clock.now(), () =>
      refuse(new AnswerError("DEADLINE_EXCEEDED", "The body did not arrive in time.")),
    );
    request.on("data", onData);
    request.on("end", onEnd);
    exchange.onLeave(() => refuse(new AnswerError("CANCELLED", "The caller left during the upload.")));
    exchange.continueUpload();
  });
}
