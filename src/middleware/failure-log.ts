import type { ErrorCode } from "../contract/error-codes.ts";
import type { ServiceError } from "../errors.ts";
import type { Log } from "./log.ts";

/** Overload and outages repeat themselves: one line a second and code says as much as a thousand. Milliseconds. */
const REPEAT_AFTER_MS = 1_000;

/** What anybody can bring about by sending enough requests. */
const REPEATED: ReadonlySet<ErrorCode> = new Set(["HASHER_BUSY", "DATABASE_UNAVAILABLE", "DAEMON_UNREACHABLE"]);

export type FailureLog = (failure: { requestId: string; code: ErrorCode; error: ServiceError }) => void;

/** Logs failures of ours, so that a flood of requests cannot become a flood of lines; `unlogged` counts those left out before. */
export function createFailureLog(log: Log, now: () => number = Date.now): FailureLog {
  const lastByCode = new Map<ErrorCode, { at: number; unlogged: number }>();
  return ({ requestId, code, error }) => {
    if (!REPEATED.has(code)) {
      log.error({ requestId, code: error.code, err: error }, "request failed");
      return;
    }
    const last = lastByCode.get(code);
    if (last !== undefined && now() - last.at < REPEAT_AFTER_MS) {
      last.unlogged += 1;
      return;
    }
    lastByCode.set(code, { at: now(), unlogged: 0 });
    log.error({ requestId, code, unlogged: last?.unlogged ?? 0, ...reasonOf(error) }, "request failed");
  };
}

/** Why, without the stack: it leads to the same line of ours each time. */
export function reasonOf(error: ServiceError): { reason: string; cause?: string } {
  const { cause } = error;
  return { reason: error.message, ...(cause instanceof Error ? { cause: `${cause.name}: ${cause.message}` } : {}) };
}
