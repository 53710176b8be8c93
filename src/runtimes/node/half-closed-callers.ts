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
  /** In the order of their requests: the first has the socket, those of pipelined requests wait for it. */
  const answersUnderWay = new WeakMap<Socket, Set<ServerResponse>>();
  server.on("connection", (socket: Socket) => {
    const answers = new Set<ServerResponse>();
    answersUnderWay.set(socket, answers);
    socket.once("end", () => probe(socket, answers));
    socket.once("close", () => closeWaiting(answers));
  });
  server.on("request", ({ socket }, response) => {
    const answers = answersUnderWay.get(socket);
    answers?.add(response);
    response.once("close", () => answers?.delete(response));
  });
}

function probe(socket: Socket, answers: ReadonlySet<ServerResponse>): void {
  let turn = 0;
  let timer: NodeJS.Timeout;
  const wait = () => {
    const delayMs = PROBE_AFTER_MS[Math.min(turn++, PROBE_AFTER_MS.length - 1)];
    timer = setTimeout(() => {
      const [first] = answers;
      if (first === undefined) socket.end();
      else if (!first.headersSent) first.writeContinue();
      wait();
    }, delayMs);
  };
  wait();
  socket.once("close", () => clearTimeout(timer));
}

/** Node tells only the answer that has the socket of its end; whoever works for the others would go on for nobody. */
function closeWaiting(answers: ReadonlySet<ServerResponse>): void {
  for (const answer of answers) {
    if (answer.socket === null) answer.emit("close");
  }
}
