import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { CallerConnection } from "../../middleware/env.ts";
import { waitForHalfClosedCallers } from "./half-closed-callers.ts";
import { refuseMalformed } from "./refuse-malformed.ts";

/** A caller gets this long for its headers, and this long for a whole request (64 MiB on a slow line). Milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 300_000;

/** Requests under way may finish within this when the server closes: longer than the daemon's drain, whose last answers pass here. Milliseconds. */
const CLOSE_GRACE_MS = 3_500;

export interface Listening {
  readonly url: string;
  /** Takes no new connection, lets requests finish for 3.5 s, then cuts them. */
  close(): Promise<void>;
}

/** Answers a request, and may cut the connection that it came by. */
export type Fetch = (request: Request, connection: CallerConnection) => Response | Promise<Response>;

/** Serves a fetch function over HTTP/1.1. Throws an Error with one sentence when the port is taken. */
export async function listen(options: {
  readonly fetch: Fetch;
  readonly host: string;
  readonly port: number;
}): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: (request, { outgoing }) => options.fetch(request, { breakOff: () => outgoing.destroy() }),
    serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  waitForHalfClosedCallers(server);
  refuseMalformed(server);
  server.listen(options.port, options.host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw explain(cause as NodeJS.ErrnoException, options);
  }
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, close: () => close(server) };
}

function explain(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  const because: Record<string, string> = {
    EADDRINUSE: "another program is using it; end that program or choose another port",
    EACCES: "this user may not use it; choose a port above 1023",
    EADDRNOTAVAIL: "this machine has no such address",
  };
  const reason = because[error.code ?? ""] ?? error.code ?? "unknown";
  return new Error(`The edge cannot listen on ${host} port ${port}: ${reason}.`, { cause: error });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
}
