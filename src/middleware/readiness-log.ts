import { DatabaseError } from "../errors.ts";
import { reasonOf } from "./failure-log.ts";
import type { Log } from "./log.ts";

/** Looks whether the edge is ready. Throws what `look` throws, after it is in `log` if it is not what was found the last time. */
export type LoggedLook = (log: Log, look: () => Promise<void>) => Promise<void>;

/** Remembers what the last look found: whoever waits for `/readyz` asks every second, and one line a change says as much. */
export function createReadinessLog(): LoggedLook {
  let found: string | null = null;
  return async (log, look) => {
    try {
      await look();
    } catch (error) {
      const reason = error instanceof Error ? error.message : typeof error;
      if (reason !== found) log.error(error instanceof DatabaseError ? reasonOf(error) : { err: error }, "not ready");
      found = reason;
      throw error;
    }
    if (found !== null) log.info({}, "ready again");
    found = null;
  };
}
