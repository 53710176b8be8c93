import type { IncomingMessage } from "node:http";
import { REQUEST_TIMEOUT_HEADER } from "../../src/contract/headers.ts";
import { AnswerError } from "../errors.ts";

/** The smaller of what the caller and we allow, in milliseconds. Throws AnswerError BAD_REQUEST when the header holds no such number. */
export function requestTimeout({ headers }: IncomingMessage, maxMs: number): number {
  const given = headers[REQUEST_TIMEOUT_HEADER];
  if (given === undefined) return maxMs;
  if (typeof given !== "string" || !/^[1-9]\d{0,15}$/.test(given)) {
    throw new AnswerError("BAD_REQUEST", "X-Request-Timeout-Ms must be a whole number of milliseconds from 1.");
  }
  return Math.min(Number(given), maxMs);
}
