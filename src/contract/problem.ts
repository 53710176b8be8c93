import type { ErrorCode } from "./error-codes.ts";

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** One field that did not pass, named as in the request body (`email`, `items.0.query`). */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The error body of both servers: RFC 9457 section 3, with three extension members of ours. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  /** With `VALIDATION_FAILED` only. */
  readonly fields?: readonly FieldError[];
  /** With `PASSWORD_REFUSED` only: a stable word for why. */
  readonly reason?: string;
}
