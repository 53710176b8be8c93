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
            await model.reload();
          } catch (error) {
            if (!(error instanceof WorkerError)) throw error;
            const message = `A fresh worker did not get ready, the others go on as before: ${error.message}`;
            throw new AnswerError("MODEL_NOT_READY", message, { cause: error, retryAfterSeconds: 5 });
          }
          exchange.sendJson(200, model.status());
        },
      },
    },
  ];
}
