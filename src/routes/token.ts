import { Hono } from "hono";
import type { EdgeEnv } from "../middleware/env.ts";
import { requireSession } from "../middleware/require-session.ts";
import type { RouteDeps } from "./deps.ts";

/** How long others may keep the key set, in seconds. A new key is published this long before it signs. */
const JWKS_MAX_AGE_SECONDS = 300;

/** `POST /v1/auth/token` (answer as RFC 6749 section 5.1) and `GET /.well-known/jwks.json` */
export function tokenRoutes({ auth, cookie, tokens }: RouteDeps): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>()
    .post("/v1/auth/token", requireSession(auth, cookie), async (c) => {
      const { user, session } = c.var.signedIn;
      const { token, expiresIn } = await tokens.issue({ userId: user.id, sessionId: session.id, scopes: ["infer"] });
      return c.json({ access_token: token, token_type: "Bearer", expires_in: expiresIn });
    })
    .get("/.well-known/jwks.json", (c) =>
      c.json(tokens.jwks, 200, { "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}` }),
    );
}
