import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { PROBLEM_CONTENT_TYPE } from "../../src/contract/problem.ts";
import { AnswerError } from "../errors.ts";
import { toProblem } from "./problem.ts";

/** Milliseconds in which a caller can read the answer and close. */
const LINGER_MS = 1_000;

/**
 * Answers what is not HTTP, or whose headers are too long or too slow, and closes: there is no exchange for it yet. While the connection `owes`
 * an answer to something before, this one would be taken for that: then it only closes.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex, owes: boolean): void {
  if (owes || !socket.writable || error.code === "ECONNRESET" || error.code === "EPIPE") {
    socket.destroy();
    return;
  }
  const { status, detail } = explain(error.code);
  const body = JSON.stringify(toProblem(new AnswerError("BAD_REQUEST", detail), randomUUID(), status));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  // Nothing more is read, its end neither.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** RFC 6585 section 5 and RFC 9110 section 15.5.9 have statuses of their own for two of them. */
function explain(code: string | undefined): { readonly status: number; readonly detail: string } {
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, detail: "The request's headers are too long." };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { status: 408, detail: "The request did not arrive in time." };
  if (code === "HPE_INVALID_EOF_STATE")
    return { status: 400, detail: "The request is not whole: the caller ended its side before the end of it." };
  return { status: 400, detail: "The request is not HTTP/1.1." };
}
