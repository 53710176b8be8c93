import { METHOD_NAME_ALL } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { AnswerError } from "../errors.ts";
import type { Exchange } from "./exchange.ts";
import { Memo } from "./memo.ts";

export type Handler = (exchange: Exchange) => void | Promise<void>;

export interface Route {
  /** As Hono writes them: `/v1/infer/:model`. */
  readonly path: string;
  /** Milliseconds that its requests have at most, also for the keys to a token; undefined: as long as those may take. */
  readonly timeoutMs?: (params: RouteMatch["params"]) => number | undefined;
  /** Hears of a request that is answered with an error, or left by its caller, before the handler has made it somebody else's. */
  readonly onRefused?: (error: AnswerError, exchange: Exchange) => void;
  readonly methods: Readonly<Partial<Record<"GET" | "POST" | "DELETE", Handler>>>;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Paths whose routes are remembered: nearly all requests are for a few. */
const MAX_KNOWN_PATHS = 256;

const NO_PARAMS: Readonly<Record<string, string>> = {};

/**
 * Finds routes with Hono's router and nothing else of Hono: `Request` and `Response` around the bodies would cost three times the rest.
 */
export class Router {
  private readonly router = new SmartRouter<Route>({ routers: [new RegExpRouter(), new TrieRouter()] });
  private readonly known = new Memo<RouteMatch>(MAX_KNOWN_PATHS);

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.router.add(METHOD_NAME_ALL, route.path, route);
  }

  /** Throws AnswerError NOT_FOUND. */
  match(path: string): RouteMatch {
    return this.known.get(path) ?? this.known.keep(path, this.find(path));
  }

  private find(path: string): RouteMatch {
    const [matches, stash] = this.router.match(METHOD_NAME_ALL, path);
    const first = matches[0];
    if (first === undefined) throw new AnswerError("NOT_FOUND", "There is nothing at this path.");
    const [route, names] = first;
    return { route, params: stash === undefined ? NO_PARAMS : readParams(names, stash) };
  }
}

/** The route's handler for a method; HEAD is answered as GET. Throws AnswerError METHOD_NOT_ALLOWED. */
export function handlerFor(route: Route, method: string): Handler {
  const handler = route.methods[(method === "HEAD" ? "GET" : method) as "GET"];
  if (handler !== undefined) return handler;
  const allow = Object.keys(route.methods).flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]));
  throw new AnswerError("METHOD_NOT_ALLOWED", `This path answers ${allow.join(", ")}.`, { allow });
}

function readParams(
  names: Readonly<Record<string, number | string>>,
  stash: readonly string[],
): Record<string, string> {
  const params: Record<string, string> = {};
  for (const name in names) {
    const at = names[name];
    params[name] = decode(typeof at === "number" ? (stash[at] ?? "") : (at ?? ""));
  }
  return params;
}

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AnswerError("BAD_REQUEST", "The path holds a percent sign that encodes nothing.");
  }
}
