import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Milliseconds from a caller's half-close to the probes, the last one again and again. */
const PROBE_AFTER_MS = [0, 50, 250, 1_000] as const;

/**
 * Lets a caller that has closed its sending side wait for its answer, and still notices callers that have left. Both send the same FIN; only
 * writing tells them apart, since whoever left answers with a reset. So until the answer begins, such a connection is probed with what a
 * waiting client must ignore, `100 Continue` (RFC 9110 section 15.2). Once it has begun, its own bytes are the probe.
 */
export function waitForHalfClosedCallers(server: Server): void {
  // Without this Node answers the end of a caller's sending side by closing, also while an answer is due.
  Object.assign(server, { httpAllowHalfOpen: true });
  const answers = new WeakMap<Socket, ServerResponse>();
  server.on("request", (request, response) => answers.set(request.socket, response));
  server.on("connection", (socket: Socket) => {
    socket.once("end", () => {
      const answer = answers.get(socket);
      if (answer === undefined || answer.writableEnded) socket.end();
      else probe(answer, 0);
    });
  });
}

function probe(answer: ServerResponse, turn: number): void {
  const delayMs = PROBE_AFTER_MS[Math.min(turn, PROBE_AFTER_MS.length - 1)];
  const timer = setTimeout(() => {
    if (answer.headersSent || answer.destroyed) return;
    answer.writeContinue();
    probe(answer, turn + 1);
  }, delayMs);
  answer.once("close", () => clearTimeout(timer));
}
