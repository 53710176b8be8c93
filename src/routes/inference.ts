import { Hono } from "hono";
import type { EdgeEnv } from "../middleware/env.ts";
import { requireSession } from "../middleware/require-session.ts";
import type { RouteDeps } from "./deps.ts";

/** `GET /v1/models` and `POST /v1/infer/:model`: signed-in callers reach the daemon. Bodies pass through as bytes. */
export function inferenceRoutes({ auth, cookie, forward }: RouteDeps): Hono<EdgeEnv> {
  const signedIn = requireSession(auth, cookie);
  return new Hono<EdgeEnv>()
    .get("/v1/models", signedIn, (c) => forward(c.req.raw, { path: "/v1/models", ...callerOf(c.var) }))
    .post("/v1/infer/:model", signedIn, (c) =>
      forward(c.req.raw, { path: `/v1/infer/${encodeURIComponent(c.req.param("model"))}`, ...callerOf(c.var) }),
    );
}

function callerOf({ signedIn, requestId }: EdgeEnv["Variables"]) {
  return { userId: signedIn.user.id, sessionId: signedIn.session.id, requestId };
}
