import type { WorkerErrorCode } from "../errors.ts";
import type { Route } from "./router.ts";
import type { ServedModels } from "./served-model.ts";

export interface HealthDeps {
  readonly models: ServedModels;
  readonly isDraining: () => boolean;
}

/**
 * Why a model is not ready, for everyone: an exception's words or a path are nobody's business but of those who read the log or
 * /admin/state.
 */
const PUBLIC_REASONS: Readonly<Record<WorkerErrorCode, string>> = {
  LOAD_FAILED: "It could not be loaded.",
  LOAD_TIMEOUT: "It was not loaded within its load_timeout_ms.",
  PROTOCOL_VERSION: "Its worker speaks another version of the protocol.",
  NONCE_MISMATCH: "Its worker could not be recognised.",
  VIOLATION: "Its worker broke the protocol.",
  EXITED: "Its worker ended.",
  SPAWN_FAILED: "Its worker could not be started.",
  SPAWN_BUSY: "The machine has no room to start its worker.",
  UNRESPONSIVE: "Its worker did not answer in time.",
  CALL_TIMEOUT: "A call took longer than its timeout_ms.",
  UNHEALTHY: "Its check_health failed.",
  CRASHED_TOO_OFTEN: "Its workers ended too often.",
  STOPPED: "Its worker was stopped.",
};

/** Whether every required model has a ready worker, and the state of each; what the CLI prints when one has failed. */
export interface Readiness {
  readonly ready: boolean;
  readonly models: readonly {
    readonly name: string;
    readonly state: string;
    readonly required: boolean;
    /** One of PUBLIC_REASONS. */
    readonly reason: string | null;
  }[];
}

export function readiness({ models, isDraining }: HealthDeps): Readiness {
  const states = [...models.values()].map((model) => {
    const { name, state, required, reasonCode } = model.status();
    return { name, state, required, reason: reasonCode === null ? null : PUBLIC_REASONS[reasonCode] };
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
