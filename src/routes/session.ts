import { Hono } from "hono";
import * as z from "zod";
import { logIn } from "../auth/log-in.ts";
import { endSession } from "../auth/session.ts";
import type { EdgeEnv } from "../middleware/env.ts";
import { readJson } from "../middleware/json-body.ts";
import { presentedToken, requireSession } from "../middleware/require-session.ts";
import { credentials } from "./credentials.ts";
import type { RouteDeps } from "./deps.ts";
import { represent } from "./representation.ts";

const logInBody = credentials.extend({ transport: z.enum(["cookie", "bearer"]).default("cookie") });

/** `POST /v1/auth/login`, `POST /v1/auth/logout`, `GET /v1/auth/session` */
export function sessionRoutes({ auth, cookie }: RouteDeps): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>()
    .post("/v1/auth/login", async (c) => {
      const { email, password, transport } = await readJson(c, logInBody);
      const opened = await logIn(auth, {
        email,
        password,
        userAgent: c.req.header("user-agent") ?? null,
        previousToken: presentedToken(c, cookie),
        signal: c.req.raw.signal,
      });
      if (transport === "bearer") return c.json({ ...represent(opened), token: opened.token });
      cookie.write(c, opened.token, opened.session.expiresAt);
      return c.json(represent(opened));
    })
    .post("/v1/auth/logout", async (c) => {
      const token = presentedToken(c, cookie);
      if (token !== null) await endSession(auth, token);
      cookie.clear(c);
      return c.body(null, 204);
    })
    .get("/v1/auth/session", requireSession(auth, cookie), (c) => c.json(represent(c.var.signedIn)));
}
