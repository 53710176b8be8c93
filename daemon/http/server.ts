import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import type { Scope } from "../../src/contract/access-token.ts";
import type { Clock } from "../clock.ts";
import { AnswerError, StartError } from "../errors.ts";
import { type Authenticate, type Caller, requireScope } from "./authenticate.ts";
import { ClientConnections } from "./client-connections.ts";
import { answerClientError } from "./client-error.ts";
import { Exchange } from "./exchange.ts";
import { sendProblem, toAnswerError } from "./problem.ts";
import { requestTimeout } from "./request-timeout.ts";
import { handlerFor, type Route, Router } from "./router.ts";

/** Milliseconds for a request's headers to arrive. */
const HEADERS_TIMEOUT_MS = 10_000;

/** Milliseconds an idle connection is kept. */
const KEEP_ALIVE_MS = 65_000;

/** Looks for connections whose headers are late, in the time that they have. */
const HEADERS_LOOKS = 5;

/** Milliseconds between two looks for connections that have become idle, at the end. */
const IDLE_LOOK_MS = 20;

/** Milliseconds for the keys to a token on a route that sets no time; fetching them ends before. */
const MAX_KEY_WAIT_MS = 10_000;

/** Connections at a time unless told; for a further one another makes room, or it is closed itself. */
const MAX_CONNECTIONS = 8_192;

/** Routes that one kind of caller may use. */
export interface RouteGroup {
  /** The scope its callers' tokens need; undefined: open to everyone. */
  readonly scope: Scope | undefined;
  readonly routes: readonly Route[];
  /** How this group says that something went wrong; problem+json unless given. */
  readonly sendError?: (exchange: Exchange, error: AnswerError) => void;
}

export interface ServerOptions {
  readonly groups: readonly RouteGroup[];
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  /** MAX_CONNECTIONS unless given. */
  readonly maxConnections?: number;
  /** HEADERS_TIMEOUT_MS unless given. */
  readonly headersTimeoutMs?: number;
  /** What to change when its address cannot be had. */
  readonly setting: string;
  /** Whether another server of ours has the port. */
  readonly isOwnPort?: boolean;
  /** An error that is ours, not the caller's, of a route that does not hear of it itself. */
  readonly onError: (error: AnswerError, exchange: Exchange) => void;
}

export interface HttpServer {
  /** Where it listens, as http://host:port. */
  readonly url: string;
  /** From now on a connection closes after the answers that are due on it; new ones are taken as before, for one answer. */
  drain(): void;
  /** Answers every request that has no answer yet, such as an upload that is not whole, and each that comes later, with an error. */
  refuse(error: AnswerError): void;
  /** Takes no new connections; resolves when every open one has had its answers and was idle for a moment. */
  close(): Promise<void>;
  /** Closes what is still open. */
  destroy(): void;
}

/** Serves the routes. Rejects with StartError ADDRESS_UNUSABLE. */
export async function listen(address: { host: string; port: number }, options: ServerOptions): Promise<HttpServer> {
  const connections = new ClientConnections(options.clock, options.maxConnections ?? MAX_CONNECTIONS);
  const headersTimeout = options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  const server = createServer({
    headersTimeout,
    // Of bodies, readBody keeps the time.
    requestTimeout: 0,
    // Node's own answer to a request without a Host has no body; `handle` refuses it in words.
    requireHostHeader: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: headersTimeout / HEADERS_LOOKS,
  });
  server.on("clientError", (error, socket) => answerClientError(error, socket, connections.owes(socket)));
  connections.watch(server);
  const { handle, refuseAll, refuseExpectation } = createHandler(options, connections);
  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request, response) => handle(request, response, true));
  server.on("checkExpectation", refuseExpectation);
  await bind(server, address, options);
  return {
    url: urlOf(server),
    drain: () => connections.drain(),
    refuse: refuseAll,
    close: () => close(server, connections),
    destroy: () => connections.destroyAll(),
  };
}

function createHandler(options: ServerOptions, connections: ClientConnections) {
  const { clock, authenticate, onError } = options;
  const groupOf = new Map(options.groups.flatMap((group) => group.routes.map((route) => [route, group] as const)));
  const router = new Router([...groupOf.keys()]);

  /** Rejects with AnswerError DEADLINE_EXCEEDED when the request's time is over before it is known who sent it. */
  const beforeDeadline = (identified: Promise<Caller>, exchange: Exchange, maxMs = MAX_KEY_WAIT_MS): Promise<Caller> =>
    new Promise((resolve, reject) => {
      identified.then(resolve, reject);
      const endsAt = exchange.arrivedAt + requestTimeout(exchange.request, maxMs);
      const timer = clock.after(endsAt - clock.now(), () =>
        reject(new AnswerError("DEADLINE_EXCEEDED", "The keys that tokens are checked with did not arrive in time.")),
      );
      const stop = () => timer.cancel();
      identified.then(stop, stop);
    });

  let refusal: AnswerError | undefined;

  const refuseAll = (error: AnswerError): void => {
    refusal = error;
    connections.refuseAll((exchange) => {
      const { route } = router.match(exchange.path);
      route.onRefused?.(error, exchange);
      (groupOf.get(route)?.sendError ?? sendProblem)(exchange, error);
    });
  };

  /** RFC 9110 section 10.1.1 knows one expectation, and has a status of its own for others. */
  const refuseExpectation = (request: IncomingMessage, response: ServerResponse): void => {
    const exchange = new Exchange(request, response, clock.now(), false);
    connections.add(exchange, request);
    sendProblem(exchange, new AnswerError("BAD_REQUEST", "The only Expect that is met is 100-continue."), 417);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): Promise<void> => {
    const exchange = new Exchange(request, response, clock.now(), awaitsContinue);
    connections.add(exchange, request);
    let group: RouteGroup | undefined;
    let route: Route | undefined;
    try {
      if (request.headers.host === undefined && request.httpVersion === "1.1")
        throw new AnswerError("BAD_REQUEST", "A request over HTTP/1.1 must have a Host header.");
      const match = router.match(exchange.path);
      route = match.route;
      exchange.params = match.params;
      const handler = handlerFor(route, exchange.method);
      group = groupOf.get(route);
      if (refusal !== undefined) throw refusal;
      if (group?.scope !== undefined) {
        const identified = authenticate(request.headers.authorization, request.headers);
        const caller =
          identified instanceof Promise
            ? await beforeDeadline(identified, exchange, route.timeoutMs?.(match.params))
            : identified;
        requireScope(caller, group.scope);
        exchange.caller = caller.sub;
      }
      await handler(exchange);
    } catch (error) {
      const answer = toAnswerError(error);
      // Whoever has an answer, from refuseAll, is counted.
      if (route?.onRefused !== undefined && !response.headersSent) route.onRefused(answer, exchange);
      else if (answer.code === "INTERNAL") onError(answer, exchange);
      if (answer.code === "CANCELLED") return;
      (group?.sendError ?? sendProblem)(exchange, answer);
    }
  };

  return { handle, refuseAll, refuseExpectation };
}

function bind(
  server: Server,
  { host, port }: { host: string; port: number },
  options: Pick<ServerOptions, "setting" | "isOwnPort">,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(unusable(`${host}:${port}`, options, cause)));
    server.listen({ host, port }, resolve);
  });
}

/** A connection that is busy now is closed once its answers are with the caller. */
async function close(server: Server, connections: ClientConnections): Promise<void> {
  // Whoever the kernel has connected already is taken in this turn of the event loop, and gets an answer instead of a reset.
  await new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const timer = setInterval(() => connections.closeIdle(), IDLE_LOOK_MS);
    // Node's own for HTTP takes a connection for idle whose answer is written but has not left yet, and destroys it.
    NetServer.prototype.close.call(server, () => {
      clearInterval(timer);
      server.close();
      resolve();
    });
    connections.closeIdle();
  });
}

function unusable(
  address: string,
  { setting, isOwnPort = false }: Pick<ServerOptions, "setting" | "isOwnPort">,
  cause: NodeJS.ErrnoException,
): StartError {
  const owner = isOwnPort ? "the daemon's own listen" : "another process";
  const why = cause.code === "EADDRINUSE" ? `is taken by ${owner}` : `cannot be listened on (${cause.code})`;
  return new StartError("ADDRESS_UNUSABLE", `${address} ${why}; choose another with ${setting}.`, { cause });
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
