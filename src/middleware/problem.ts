import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { StatusCode } from "hono/utils/http-status";
import { type ErrorCode, STATUS_BY_CODE } from "../contract/error-codes.ts";
import { PROBLEM_CONTENT_TYPE, type Problem } from "../contract/problem.ts";
import {
  type AppError,
  CallerError,
  DatabaseError,
  HasherError,
  PasswordError,
  RequestError,
  ServiceError,
} from "../errors.ts";
import type { EdgeEnv } from "./env.ts";
import type { FailureLog } from "./failure-log.ts";
import type { Log } from "./log.ts";

/** What callers read when the fault is ours; the log has the rest under the same request id. */
const SERVICE_SENTENCES: Partial<Record<ErrorCode, string>> = {
  HASHER_BUSY: "Too many people are signing in at this moment. Try again shortly.",
  DATABASE_UNAVAILABLE: "The database does not answer at this moment. Try again shortly.",
  DAEMON_UNREACHABLE: "The model server does not answer at this moment.",
};

const NOT_MIGRATED_SENTENCE =
  "The database lacks the tables of this version. Whoever runs this site brings it up to date with: gatehouse db migrate";

const INTERNAL_SENTENCE = "Something went wrong on our side. Name the request id when you report it.";

/** Retry-After of a 429 or 503 that names none, in seconds. */
const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** The status servers log for a caller that closed the connection; no HTTP status of its own exists. */
const CALLER_GONE = 499 as StatusCode;

/** Turns whatever a handler threw into the answer: the one place on the edge where errors meet HTTP. */
export function answerErrors({
  log,
  logFailure,
}: {
  readonly log: Log;
  readonly logFailure: FailureLog;
}): ErrorHandler<EdgeEnv> {
  return (error, c) => {
    // A caller that left aborts whatever waited for it; nobody reads this answer, and it is nobody's failure.
    if (c.req.raw.signal?.aborted) return c.body(null, CALLER_GONE);
    if (error instanceof CallerError) return answer(c, codeOf(error), error.message, error);
    if (error instanceof ServiceError) {
      const code = codeOf(error);
      if (!c.var.failureIsLogged) logFailure({ requestId: c.var.requestId, code, error });
      return answer(c, code, sentenceFor(error, code), error);
    }
    if (error instanceof HTTPException && error.status < 500)
      return answer(c, "BAD_REQUEST", "The request is malformed.");
    log.error({ requestId: c.var.requestId, code: "INTERNAL", err: error }, "request failed");
    return answer(c, "INTERNAL", INTERNAL_SENTENCE);
  };
}

export const answerNotFound: NotFoundHandler<EdgeEnv> = (c) =>
  answer(c, "NOT_FOUND", "There is nothing at this address.");

export function answerMethodNotAllowed(c: Context<EdgeEnv>, allow: readonly string[]): Response {
  return answer(
    c,
    "METHOD_NOT_ALLOWED",
    "This address does not know this method.",
    new RequestError("METHOD_NOT_ALLOWED", "method not allowed", { allow }),
  );
}

function sentenceFor(error: ServiceError, code: ErrorCode): string {
  if (error instanceof DatabaseError && error.notMigrated) return NOT_MIGRATED_SENTENCE;
  return SERVICE_SENTENCES[code] ?? INTERNAL_SENTENCE;
}

function codeOf(error: AppError): ErrorCode {
  if (error instanceof HasherError && error.code !== "HASHER_BUSY") return "INTERNAL";
  return error.code in STATUS_BY_CODE ? (error.code as ErrorCode) : "INTERNAL";
}

function answer(c: Context<EdgeEnv>, code: ErrorCode, detail: string, error?: AppError): Response {
  const status = STATUS_BY_CODE[code];
  const requestId = c.var.requestId ?? "";
  const headers: Record<string, string> = { "cache-control": "no-store" };
  if (status === 429 || status === 503) {
    headers["retry-after"] = String(error?.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS);
  }
  if (error instanceof RequestError && error.allow) headers.allow = error.allow.join(", ");
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="gatehouse"';

  if (/^\/v2(\/|$)/.test(c.req.path)) return c.json({ error: detail }, status, headers);
  if (/^\/v1\/(embeddings|chat|completions|models)(\/|$)/.test(c.req.path)) {
    return c.json({ error: { message: detail, type: openAiType(status), param: null, code } }, status, headers);
  }
  const problem: Problem = {
    type: "about:blank",
    title: titleOf(code),
    status,
    detail,
    code,
    requestId,
    ...(error instanceof RequestError && error.fields ? { fields: error.fields } : {}),
    ...(error instanceof PasswordError ? { reason: error.reason } : {}),
  };
  return c.body(JSON.stringify(problem), status, { ...headers, "content-type": PROBLEM_CONTENT_TYPE });
}

function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The `type` words of the OpenAI API's error object. */
function openAiType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
