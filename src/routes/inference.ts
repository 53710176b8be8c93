import { type Context, Hono } from "hono";
import { RequestError } from "../errors.ts";
import type { EdgeEnv } from "../middleware/env.ts";
import { requireSession } from "../middleware/require-session.ts";
import type { RouteDeps } from "./deps.ts";

/** `GET /v1/models` and `POST /v1/infer/:model`: signed-in callers reach the daemon. Bodies pass through as bytes. */
export function inferenceRoutes({ auth, cookie, forward, logFailure }: RouteDeps): Hono<EdgeEnv> {
  const signedIn = requireSession(auth, cookie);
  return new Hono<EdgeEnv>()
    .get("/v1/models", signedIn, (c) => send(c, "/v1/models"))
    .post("/v1/infer/:model", signedIn, (c) => {
      requireDecodable(c.req.path);
      return send(c, `/v1/infer/${encodeURIComponent(c.req.param("model"))}`);
    });

  function send(c: Context<EdgeEnv>, path: string): Promise<Response> {
    const { signedIn, requestId } = c.var;
    const target = { path, userId: signedIn.user.id, sessionId: signedIn.session.id, requestId };
    return forward(c.req.raw, target, {
      report: (error) => logFailure({ requestId, code: error.code, error }),
      breakOff: c.env.breakOff,
    });
  }
}

/** Hono passes over what it cannot decode, and the daemon would be asked for a model of another name. Throws RequestError BAD_REQUEST. */
function requireDecodable(path: string): void {
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw new RequestError("BAD_REQUEST", "The path holds a percent sign that encodes nothing.", { cause });
  }
}
