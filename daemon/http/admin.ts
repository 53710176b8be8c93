import { AnswerError, WorkerError } from "../errors.ts";
import type { Route } from "./router.ts";
import { findModel } from "./run-inference.ts";
import type { ServedModels } from "./served-model.ts";

/** GET /admin/state and POST /admin/models/:model/reload. */
export function adminRoutes(models: ServedModels, state: () => unknown): readonly Route[] {
  return [
    { path: "/admin/state", methods: { GET: (exchange) => exchange.sendJson(200, state()) } },
    {
      path: "/admin/models/:model/reload",
      methods: {
        POST: async (exchange) => {
          const model = findModel(models, exchange.params.model ?? "");
          exchange.request.resume();
          try {
            await model.reload(exchange.requestId);
          } catch (error) {
            if (!(error instanceof WorkerError)) throw error;
            const others = model.status().state === "ready" ? "the others go on as before" : "and no other is ready";
            const message = `A fresh worker did not get ready, ${others}: ${error.message}`;
            throw new AnswerError("MODEL_NOT_READY", message, { cause: error, retryAfterSeconds: 5 });
          }
          exchange.sendJson(200, model.status());
        },
      },
    },
  ];
}
