import type { Route } from "./router.ts";
import type { ServedModels } from "./served-model.ts";

export interface HealthDeps {
  readonly models: ServedModels;
  readonly isDraining: () => boolean;
}

/** Whether every required model has a ready worker, and the state of each; what the CLI prints when one has failed. */
export interface Readiness {
  readonly ready: boolean;
  readonly models: readonly {
    readonly name: string;
    readonly state: string;
    readonly required: boolean;
    readonly reason: string | null;
  }[];
}

export function readiness({ models, isDraining }: HealthDeps): Readiness {
  const states = [...models.values()].map((model) => {
    const { name, state, required, reason } = model.status();
    return { name, state, required, reason };
  });
  const ready = !isDraining() && states.every(({ state, required }) => state === "ready" || !required);
  return { ready, models: states };
}

/** GET /livez and /readyz, for everyone. */
export function healthRoutes(deps: HealthDeps): readonly Route[] {
  return [
    { path: "/livez", methods: { GET: (exchange) => exchange.sendJson(200, { live: true }) } },
    {
      path: "/readyz",
      methods: {
        GET: (exchange) => {
          const answer = readiness(deps);
          exchange.sendJson(answer.ready ? 200 : 503, answer, answer.ready ? {} : { "retry-after": "1" });
        },
      },
    },
  ];
}
