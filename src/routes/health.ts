import { Hono } from "hono";
import { DatabaseError } from "../errors.ts";
import type { EdgeEnv } from "../middleware/env.ts";
import type { RouteDeps } from "./deps.ts";

/** `GET /livez`: the process answers. `GET /readyz`: the database answers too and has the tables. */
export function healthRoutes({ checkReady }: RouteDeps): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>()
    .get("/livez", (c) => c.json({ live: true }))
    .get("/readyz", async (c) => {
      await checkReady().catch((cause: unknown) => {
        throw new DatabaseError(
          "DATABASE_UNAVAILABLE",
          "the database cannot be reached or lacks tables (gatehouse db migrate)",
          { cause },
        );
      });
      return c.json({ ready: true });
    });
}
