import type { AuthDeps } from "../../auth/deps.ts";
import type { Log } from "../../middleware/log.ts";

/** Work that outlives its answer. More than this many at once are not started: each is only an improvement, such as a rehash. */
const MAX_BACKGROUND_TASKS = 64;

export interface Background {
  readonly run: AuthDeps["background"];
  /** Resolves when all that was started has ended. */
  settled(): Promise<void>;
}

export function createBackground(log: Log): Background {
  const running = new Set<Promise<void>>();
  return {
    run(task, work) {
      if (running.size >= MAX_BACKGROUND_TASKS) {
        log.info({ task }, "background task skipped: too many are running");
        return;
      }
      const promise = work()
        .catch((error: unknown) => log.error({ task, err: error }, "background task failed"))
        .finally(() => running.delete(promise));
      running.add(promise);
    },
    settled: async () => {
      await Promise.all(running);
    },
  };
}
