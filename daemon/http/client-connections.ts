import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Exchange } from "./exchange.ts";

/** Which exchanges each connection has, so that all of them hear of its end, the pipelined ones too. */
export class ClientConnections {
  private readonly exchanges = new Map<Socket, Set<Exchange>>();

  /** Follows every connection of a server from now on. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      const own = new Set<Exchange>();
      this.exchanges.set(socket, own);
      socket.once("close", () => {
        this.exchanges.delete(socket);
        for (const exchange of own) exchange.leave();
      });
    });
  }

  /** Exchanges that are not complete. */
  get open(): number {
    let count = 0;
    for (const own of this.exchanges.values()) count += own.size;
    return count;
  }

  add(exchange: Exchange): void {
    const own = this.exchanges.get(exchange.request.socket);
    own?.add(exchange);
    exchange.response.once("finish", () => own?.delete(exchange));
  }

  /** Closes what is left. */
  destroyAll(): void {
    for (const socket of this.exchanges.keys()) socket.destroy();
  }
}
