import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../clock.ts";
import type { Exchange } from "./exchange.ts";

/** Milliseconds from a caller's half-close to the probes, the last one again and again. */
const PROBE_AFTER_MS = [0, 50, 250, 1_000] as const;

/**
 * Which exchanges each connection has, so that all of them hear of its end, the pipelined ones too.
 *
 * The end of a caller's sending side says one of two things: it has left, or it has said all it has to say and waits (a half-close). Only
 * writing tells them apart: whoever has left answers with a reset. So a half-closed connection is probed with what a waiting caller must
 * ignore: `100 Continue` before the answer (RFC 9110 section 15.2), a comment between the events of a stream.
 */
export class ClientConnections {
  private readonly exchanges = new Map<Socket, Exchange[]>();

  constructor(private readonly clock: Clock) {}

  /** Follows every connection of a server from now on. */
  watch(server: Server): void {
    // Without this Node answers the end of a caller's sending side by closing, also while an answer is due.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on("connection", (socket: Socket) => {
      const own: Exchange[] = [];
      let probe: Timer | undefined;
      this.exchanges.set(socket, own);
      socket.once("end", () => {
        probe = this.probe(own, 0, (timer) => {
          probe = timer;
        });
      });
      socket.once("close", () => {
        probe?.cancel();
        this.exchanges.delete(socket);
        for (const exchange of own) exchange.leave();
      });
    });
  }

  add(exchange: Exchange, request: IncomingMessage): void {
    const own = this.exchanges.get(request.socket);
    if (own === undefined) return;
    while (own[0]?.complete === true) own.shift();
    own.push(exchange);
  }

  /** Gives every exchange that has no answer yet. */
  refuseAll(refuse: (exchange: Exchange) => void): void {
    for (const own of this.exchanges.values())
      for (const exchange of own) if (!exchange.response.headersSent) refuse(exchange);
  }

  /** Closes the connections whose callers have had every answer. */
  closeIdle(): void {
    for (const [socket, own] of this.exchanges) if (own.every(({ complete }) => complete)) socket.destroySoon();
  }

  /** Closes what is left. */
  destroyAll(): void {
    for (const socket of this.exchanges.keys()) socket.destroy();
  }

  private probe(own: readonly Exchange[], turn: number, onNext: (timer: Timer) => void): Timer {
    const delayMs = PROBE_AFTER_MS[Math.min(turn, PROBE_AFTER_MS.length - 1)] ?? 0;
    return this.clock.after(delayMs, () => {
      for (const exchange of own) {
        if (exchange.complete) continue;
        exchange.probe();
        onNext(this.probe(own, turn + 1, onNext));
        return;
      }
    });
  }
}
