import type { MiddlewareHandler } from "hono";

/** Answers about a person are kept by nobody on the way (RFC 9111 section 5.2.2.5). */
export const noStore: MiddlewareHandler = async (c, next) => {
  await next();
  if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
};
