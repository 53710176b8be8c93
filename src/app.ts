import { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { EdgeEnv } from "./middleware/env.ts";
import type { Log } from "./middleware/log.ts";
import { noStore } from "./middleware/no-store.ts";
import { originCheck } from "./middleware/origin-check.ts";
import { answerErrors, answerMethodNotAllowed, answerNotFound } from "./middleware/problem.ts";
import { requestId } from "./middleware/request-id.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import type { RouteDeps } from "./routes/deps.ts";
import { healthRoutes } from "./routes/health.ts";
import { inferenceRoutes } from "./routes/inference.ts";
import { registrationRoutes } from "./routes/registration.ts";
import { sessionRoutes } from "./routes/session.ts";
import { tokenRoutes } from "./routes/token.ts";

export interface AppDeps extends RouteDeps {
  readonly log: Log;
  /** Origins whose pages may act for a signed-in person: `APP_ORIGIN`, and on loopback its other names. */
  readonly allowedOrigins: ReadonlySet<string>;
}

/** The whole edge as one `fetch` function: the same on Workers, Node, Bun and Deno, since everything a runtime decides comes in `deps`. */
export function createApp(deps: AppDeps): Hono<EdgeEnv> {
  const app = new Hono<EdgeEnv>();
  app.onError(answerErrors(deps));
  app.notFound(answerNotFound);
  app.use(requestId);
  app.use(securityHeaders);
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethodNotAllowed }));
  for (const protocol of ["/v1/*", "/v2/*"]) app.use(protocol, noStore, originCheck(deps));
  for (const routes of [healthRoutes, registrationRoutes, sessionRoutes, tokenRoutes, inferenceRoutes]) {
    app.route("/", routes(deps));
  }
  return app;
}
