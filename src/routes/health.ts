import { Hono } from "hono";
import { DatabaseError } from "../errors.ts";
import type { EdgeEnv } from "../middleware/env.ts";
import type { RouteDeps } from "./deps.ts";

/** `GET /livez`: the process answers. `GET /readyz`: the database answers too and has the tables. */
export function healthRoutes({ checkReady }: RouteDeps): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>()
    .get("/livez", (c) => c.json({ live: true }))
    .get("/readyz", async (c) => {
      c.set("failureIsLogged", true);
      await checkReady().catch(notReady);
      return c.json({ ready: true });
    });
}

/** Whatever is wrong with the database, it is not ready rather than defective. */
function notReady(cause: unknown): never {
  if (cause instanceof DatabaseError && cause.code === "DATABASE_UNAVAILABLE") throw cause;
  throw new DatabaseError("DATABASE_UNAVAILABLE", "the database refused to be looked at", { cause });
}
