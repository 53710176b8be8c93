import type { Scope } from "../contract/access-token.ts";
import type { AccessTokenIssuer } from "./access-token.ts";

/** Sessions whose token is kept; the oldest goes first. About 1 KiB each. */
const MAX_CACHED_TOKENS = 1_000;

/** A token is replaced once less than this is left of it, in milliseconds: a forwarded call must not arrive with a dead one. */
const RENEW_BEFORE_MS = 120_000;

/** Gives a forwarded call a token without signing for each: one per session, kept until it nears its end. */
export function createAccessTokenCache(options: {
  readonly issuer: AccessTokenIssuer;
  readonly scopes: readonly Scope[];
  readonly now: () => Date;
}): (caller: { readonly userId: string; readonly sessionId: string }) => Promise<string> {
  const cache = new Map<string, { readonly token: string; readonly renewAtMs: number }>();
  return async ({ userId, sessionId }) => {
    const nowMs = options.now().getTime();
    const cached = cache.get(sessionId);
    if (cached !== undefined && nowMs < cached.renewAtMs) return cached.token;
    const { token, expiresIn } = await options.issuer.issue({ userId, sessionId, scopes: options.scopes });
    cache.delete(sessionId);
    cache.set(sessionId, { token, renewAtMs: nowMs + expiresIn * 1000 - RENEW_BEFORE_MS });
    const [oldest] = cache.keys();
    if (cache.size > MAX_CACHED_TOKENS && oldest !== undefined) cache.delete(oldest);
    return token;
  };
}
