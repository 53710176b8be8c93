import type { MiddlewareHandler } from "hono";
import { REQUEST_ID_HEADER, REQUEST_ID_PATTERN } from "../contract/headers.ts";
import type { EdgeEnv } from "./env.ts";

/** Gives each request an id, the caller's own where it looks like one, and each answer the same, whoever made it. */
export const requestId: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  const given = c.req.header(REQUEST_ID_HEADER) ?? "";
  const id = REQUEST_ID_PATTERN.test(given) ? given : crypto.randomUUID();
  c.set("requestId", id);
  await next();
  // Set on what is about to leave: a header prepared before would be lost with an answer of the daemon's.
  c.res.headers.set(REQUEST_ID_HEADER, id);
};
