import type { Route } from "./router.ts";
import type { ServedModels } from "./served-model.ts";

/** GET /v1/models: the models there are, as OpenAI's API lists them. */
export function modelsRoute(models: ServedModels): Route {
  return {
    path: "/v1/models",
    methods: {
      GET: (exchange) => {
        const data = [...models.values()].map(({ name, createdAt }) => ({
          id: name,
          object: "model",
          created: createdAt,
          owned_by: "gatehouse",
        }));
        exchange.sendJson(200, { object: "list", data });
      },
    },
  };
}
