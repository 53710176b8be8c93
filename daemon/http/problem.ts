import type { OutgoingHttpHeaders } from "node:http";
import { type ErrorCode, STATUS_BY_CODE } from "../../src/contract/error-codes.ts";
import { PROBLEM_CONTENT_TYPE, type Problem } from "../../src/contract/problem.ts";
import { type AnswerCode, AnswerError } from "../errors.ts";
import type { Exchange } from "./exchange.ts";

/** Every code that reaches a caller. */
export type ProblemCode = Exclude<AnswerCode, "CANCELLED">;

const TITLES: Readonly<Record<ProblemCode, string>> = {
  BAD_REQUEST: "Bad request",
  UNAUTHENTICATED: "Not signed in",
  FORBIDDEN: "Not allowed",
  ORIGIN_REFUSED: "Not from here",
  NOT_FOUND: "Not found",
  MODEL_NOT_FOUND: "No such model",
  METHOD_NOT_ALLOWED: "Method not allowed",
  BODY_TOO_LARGE: "Body too large",
  UNSUPPORTED_MEDIA_TYPE: "Unsupported media type",
  OVERLOADED: "Too much at once",
  INTERNAL: "Internal error",
  MODEL_ERROR: "The model failed",
  RESULT_TOO_LARGE: "Result too large",
  WORKER_CRASHED: "The worker crashed",
  MODEL_NOT_READY: "The model is not ready",
  DRAINING: "Shutting down",
  KEYS_UNAVAILABLE: "No keys to check tokens with",
  DEADLINE_EXCEEDED: "Out of time",
};

/** The error's body, RFC 9457. */
export function toProblem(error: AnswerError, requestId: string, ownStatus?: number): Problem {
  const code = problemCode(error);
  const status = ownStatus ?? STATUS_BY_CODE[code satisfies ErrorCode];
  return { type: "about:blank", title: TITLES[code], status, detail: error.message, code, requestId };
}

/** Answers with the error as problem+json; `status` is another than its code's when HTTP has one of its own for it. */
export function sendProblem(exchange: Exchange, error: AnswerError, status?: number): void {
  const problem = toProblem(error, exchange.requestId, status);
  exchange.send(
    problem.status,
    { "content-type": PROBLEM_CONTENT_TYPE, ...errorHeaders(error) },
    JSON.stringify(problem),
  );
}

/** The headers that belong to an error whatever the shape of its body. */
export function errorHeaders(error: AnswerError): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "cache-control": "no-store" };
  if (error.retryAfterSeconds !== undefined) headers["retry-after"] = String(error.retryAfterSeconds);
  if (error.allow !== undefined) headers.allow = error.allow.join(", ");
  if (error.code === "UNAUTHENTICATED") headers["www-authenticate"] = "Bearer";
  return headers;
}

export function problemCode(error: AnswerError): ProblemCode {
  return error.code === "CANCELLED" ? "INTERNAL" : error.code;
}

/** Any error as one that can be answered: what is not ours to explain becomes INTERNAL. */
export function toAnswerError(error: unknown): AnswerError {
  if (error instanceof AnswerError) return error;
  return new AnswerError("INTERNAL", "Something went wrong on our side; the request id finds it in the log.", {
    cause: error,
  });
}
