import type { Server } from "node:http";
import type { Socket } from "node:net";
import { STATUS_BY_CODE } from "../../contract/error-codes.ts";
import { PROBLEM_CONTENT_TYPE, type Problem } from "../../contract/problem.ts";

const SENTENCES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "The request's headers are too large.",
  ERR_HTTP_REQUEST_TIMEOUT: "The request did not arrive in time.",
};

/** Answers what is not HTTP in the same shape as every other mistake, and closes: nobody knows where the next request would begin. */
export function refuseMalformed(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(response(SENTENCES[error.code ?? ""] ?? "The request is not HTTP/1.1."));
  });
}

function response(detail: string): string {
  const problem: Problem = {
    type: "about:blank",
    title: "Bad request",
    status: STATUS_BY_CODE.BAD_REQUEST,
    detail,
    code: "BAD_REQUEST",
    requestId: crypto.randomUUID(),
  };
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "cache-control: no-store",
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
