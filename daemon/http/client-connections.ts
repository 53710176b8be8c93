import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../clock.ts";
import type { Exchange } from "./exchange.ts";

/** Milliseconds without a byte after which an idle connection is closed at the end: a request that was on its way has arrived. */
const IDLE_GRACE_MS = 100;

/** Milliseconds from a caller's half-close to the probes, the last one again and again. */
const PROBE_AFTER_MS = [0, 50, 250, 1_000] as const;

interface Connection {
  readonly exchanges: Exchange[];
  /** On the clock: when it last began something, itself or a request. */
  begunAt: number;
  /** What it had brought at the last look for idle connections, and since when it has been idle at such looks. */
  bytesRead: number;
  idleSince: number | undefined;
}

/**
 * Which exchanges each connection has, so that all of them hear of its end, the pipelined ones too.
 *
 * The end of a caller's sending side says one of two things: it has left, or it has said all it has to say and waits (a half-close). Only
 * writing tells them apart: whoever has left answers with a reset. So a half-closed connection is probed with what a waiting caller must
 * ignore: `100 Continue` before the answer (RFC 9110 section 15.2), a comment between the events of a stream.
 */
export class ClientConnections {
  private readonly connections = new Map<Socket, Connection>();
  private isDraining = false;

  constructor(
    private readonly clock: Clock,
    private readonly maxConnections: number,
  ) {}

  /** Follows every connection of a server from now on. */
  watch(server: Server): void {
    // Without this Node answers the end of a caller's sending side by closing, also while an answer is due.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on("connection", (socket: Socket) => {
      const own: Exchange[] = [];
      let probe: Timer | undefined;
      if (this.connections.size >= this.maxConnections && !this.makeRoom()) {
        socket.destroy();
        return;
      }
      this.connections.set(socket, { exchanges: own, begunAt: this.clock.now(), bytesRead: 0, idleSince: undefined });
      socket.once("end", () => {
        probe = this.probe(own, 0, (timer) => {
          probe = timer;
        });
      });
      socket.once("close", () => {
        probe?.cancel();
        this.connections.delete(socket);
        for (const exchange of own) exchange.leave();
      });
    });
  }

  add(exchange: Exchange, request: IncomingMessage): void {
    const connection = this.connections.get(request.socket);
    if (connection === undefined) return;
    connection.begunAt = exchange.arrivedAt;
    const own = connection.exchanges;
    while (own[0]?.complete === true) own.shift();
    if (this.isDraining) {
      own.at(-1)?.closeAfter(false);
      exchange.closeAfter(true);
    }
    own.push(exchange);
  }

  /** Whether an answer, to a request that is whole or has its answer begun, is still due or under way on a connection. */
  owes(socket: Duplex): boolean {
    const own = this.connections.get(socket as Socket)?.exchanges ?? [];
    return own.some(({ complete, request, response }) => !complete && (request.complete || response.headersSent));
  }

  /** From now on the last answer that is due on a connection closes it: RFC 9112 section 9.6, so that nobody sends a request after it. */
  drain(): void {
    this.isDraining = true;
    for (const { exchanges } of this.connections.values()) exchanges.at(-1)?.closeAfter(true);
  }

  /** Gives every exchange that has no answer yet. */
  refuseAll(refuse: (exchange: Exchange) => void): void {
    for (const { exchanges } of this.connections.values())
      for (const exchange of exchanges) if (!exchange.response.headersSent) refuse(exchange);
  }

  /** Looks for connections whose callers have had every answer and send nothing more, and closes them after IDLE_GRACE_MS. */
  closeIdle(): void {
    const now = this.clock.now();
    for (const [socket, connection] of this.connections) {
      const { bytesRead } = socket;
      const isIdle = bytesRead === connection.bytesRead && connection.exchanges.every(({ complete }) => complete);
      connection.bytesRead = bytesRead;
      if (!isIdle) connection.idleSince = undefined;
      else connection.idleSince ??= now;
      if (now - (connection.idleSince ?? now) >= IDLE_GRACE_MS) socket.destroySoon();
    }
  }

  /** Closes what is left. */
  destroyAll(): void {
    for (const socket of this.connections.keys()) socket.destroy();
  }

  /**
   * Makes room for a connection by closing the one, of those that have no request in work, that began something least lately; if each has one,
   * of those whose request still arrives or whose answer waits for its reader, so that neither shuts anybody out. False if each has work.
   */
  private makeRoom(): boolean {
    const socket = this.longest(isAnswered) ?? this.longest(isOutOfWork);
    if (socket === undefined) return false;
    this.connections.delete(socket);
    socket.destroy();
    return true;
  }

  private longest(holds: (exchange: Exchange) => boolean): Socket | undefined {
    let longest: Socket | undefined;
    let begunAt = Number.POSITIVE_INFINITY;
    for (const [socket, connection] of this.connections) {
      if (connection.begunAt >= begunAt || !connection.exchanges.every(holds)) continue;
      longest = socket;
      begunAt = connection.begunAt;
    }
    return longest;
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

function isAnswered({ complete }: Exchange): boolean {
  return complete;
}

function isOutOfWork({ request, response }: Exchange): boolean {
  return response.writableEnded || !request.complete;
}
