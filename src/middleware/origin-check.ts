import type { MiddlewareHandler } from "hono";
import { RequestError } from "../errors.ts";
import type { EdgeEnv } from "./env.ts";
import type { SessionCookie } from "./session-cookie.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses what a page of another origin makes a browser send (Fetch Metadata, W3C; ASVS 5.0 3.5.1-3). The cookie alone is no
 * proof, so a request that changes something with it must say that it comes from us. Clients that are no browsers (curl, SDKs)
 * send neither header nor cookie and pass. Throws RequestError ORIGIN_REFUSED.
 */
export function originCheck(options: {
  readonly allowedOrigins: ReadonlySet<string>;
  readonly cookie: SessionCookie;
}): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const verdict = judge({
      safe: SAFE_METHODS.has(c.req.method),
      origin: c.req.header("origin"),
      site: c.req.header("sec-fetch-site"),
      carriesCookie: options.cookie.read(c) !== null,
      allowedOrigins: options.allowedOrigins,
    });
    if (verdict === "refuse") {
      throw new RequestError("ORIGIN_REFUSED", "This request does not come from this site's own pages.");
    }
    await next();
  };
}

/** Pure. `Origin` decides where there is one, since `Sec-Fetch-Site` says less. */
export function judge(request: {
  readonly safe: boolean;
  readonly origin: string | undefined;
  readonly site: string | undefined;
  readonly carriesCookie: boolean;
  readonly allowedOrigins: ReadonlySet<string>;
}): "pass" | "refuse" {
  if (request.origin !== undefined) return request.allowedOrigins.has(request.origin) ? "pass" : "refuse";
  if (request.site !== undefined) {
    const ours = request.site === "same-origin" || (request.safe && request.site === "none");
    return ours ? "pass" : "refuse";
  }
  return request.carriesCookie && !request.safe ? "refuse" : "pass";
}
