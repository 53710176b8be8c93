import type { Clock } from "./clock.ts";
import type { AnswerCode, AnswerError } from "./errors.ts";
import type { Exchange } from "./http/exchange.ts";
import type { Log } from "./log.ts";
import type { OnceASecond } from "./once-a-second.ts";

/** What is the caller's to read and nothing for the log: what the token says is told by authenticate.ts. */
const UNLOGGED: ReadonlySet<AnswerCode> = new Set([
  "BAD_REQUEST",
  "CANCELLED",
  "METHOD_NOT_ALLOWED",
  "UNAUTHENTICATED",
]);

/** What anybody can bring about by sending enough, or as long as a state lasts. */
const REPEATED: ReadonlySet<AnswerCode> = new Set([
  "BODY_TOO_LARGE",
  "DRAINING",
  "FORBIDDEN",
  "KEYS_UNAVAILABLE",
  "MODEL_NOT_READY",
  "ORIGIN_REFUSED",
  "OVERLOADED",
  "UNSUPPORTED_MEDIA_TYPE",
]);

export interface RequestLogOptions {
  readonly log: Log;
  readonly clock: Pick<Clock, "now">;
  readonly onceASecond: OnceASecond;
}

/** A line for each request that went wrong, with its model; of refusals one a second, model and code. */
export class RequestLog {
  constructor(private readonly options: RequestLogOptions) {}

  /** Of a request for a model that there is. `startedAt`, on the clock: when it was given to a worker; undefined if it never was. */
  readonly failed = (error: AnswerError, exchange: Exchange, startedAt?: number): void => {
    const { code } = error;
    if (UNLOGGED.has(code)) return;
    const { log, onceASecond } = this.options;
    const { requestId, params } = exchange;
    const fields = { requestId, model: params.model, code };
    const times = this.times(exchange.arrivedAt, startedAt);
    if (code === "INTERNAL") {
      log.error({ ...fields, ...times, err: error.cause ?? error }, error.message);
    } else if (!REPEATED.has(code)) {
      log.warn({ ...fields, ...times }, error.message);
    } else {
      const { message } = error;
      onceASecond.write(`${params.model} ${code}`, (leftOut) => log.warn({ ...fields, ...times, leftOut }, message));
    }
  };

  private times(arrivedAt: number, startedAt: number | undefined): { waitedMs: number; ranMs?: number } {
    const now = this.options.clock.now();
    if (startedAt === undefined) return { waitedMs: Math.round(now - arrivedAt) };
    return { waitedMs: Math.round(startedAt - arrivedAt), ranMs: Math.round(now - startedAt) };
  }
}
