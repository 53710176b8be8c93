import { Hono } from "hono";
import { register } from "../auth/register.ts";
import type { EdgeEnv } from "../middleware/env.ts";
import { readJson } from "../middleware/json-body.ts";
import { credentials } from "./credentials.ts";
import type { RouteDeps } from "./deps.ts";
import { represent } from "./representation.ts";

/** `POST /v1/auth/register` */
export function registrationRoutes({ auth, cookie }: RouteDeps): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>().post("/v1/auth/register", async (c) => {
    const { email, password } = await readJson(c, credentials);
    const userAgent = c.req.header("user-agent") ?? null;
    const opened = await register(auth, { email, password, userAgent, signal: c.req.raw.signal });
    cookie.write(c, opened.token, opened.session.expiresAt);
    return c.json(represent(opened), 201);
  });
}
