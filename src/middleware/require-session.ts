import type { Context, MiddlewareHandler } from "hono";
import type { AuthDeps } from "../auth/deps.ts";
import { checkSession } from "../auth/session.ts";
import { AuthError } from "../errors.ts";
import type { EdgeEnv } from "./env.ts";
import type { SessionCookie } from "./session-cookie.ts";

/** RFC 6750 section 2.1; the scheme's name is case-insensitive (RFC 9110 section 11.1). Other schemes are somebody else's. */
const BEARER_SCHEME = /^Bearer( |$)/i;

/**
 * Lets signed-in callers through and leaves `signedIn` in the context. Throws AuthError UNAUTHENTICATED.
 */
export function requireSession(auth: AuthDeps, cookie: SessionCookie): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const token = presentedToken(c, cookie);
    const found = token === null ? null : await checkSession(auth, token);
    if (token === null || found === null) {
      throw new AuthError("UNAUTHENTICATED", "Sign in first: there is no session, or it has ended.");
    }
    c.set("signedIn", { ...found, token });
    await next();
  };
}

/** The token a request carries. A bearer wins over a cookie, without fallback, so that one request never has two identities. */
export function presentedToken(c: Context, cookie: SessionCookie): string | null {
  const authorization = c.req.header("authorization") ?? "";
  return BEARER_SCHEME.test(authorization) ? authorization.slice("Bearer ".length).trim() : cookie.read(c);
}
