import { busy } from "./bounded-queue.ts";

export interface HashTurnsOptions {
  /** How many callers may wait for their turn. */
  readonly maxWaiting: number;
  /** How long one may wait, milliseconds. */
  readonly maxWaitMs: number;
}

/**
 * A queue for an isolate, where a hash blocks everything while it runs, so that turns come by themselves. Each caller waits on a
 * timer of its own: in workerd one request must not wake another. A request that is cancelled never comes back to leave, so a
 * place is given up, at the latest, when its wait would have been too long.
 */
export function createHashTurns({ maxWaiting, maxWaitMs }: HashTurnsOptions) {
  const arrivals = new Map<symbol, number>();
  return {
    /** Runs `work` in its turn. Throws `HasherError` `HASHER_BUSY`, or the signal's reason when the caller has gone. */
    async run<Result>(work: () => Result, signal: AbortSignal | undefined): Promise<Result> {
      signal?.throwIfAborted();
      const arrivedAt = Date.now();
      for (const [ticket, arrival] of arrivals) {
        if (arrivedAt - arrival > maxWaitMs) {
          arrivals.delete(ticket);
        }
      }
      if (arrivals.size >= maxWaiting) {
        throw busy(maxWaitMs);
      }
      const ticket = Symbol();
      arrivals.set(ticket, arrivedAt);
      await new Promise((resolve) => setTimeout(resolve, 0));
      arrivals.delete(ticket);
      signal?.throwIfAborted();
      if (Date.now() - arrivedAt > maxWaitMs) {
        throw busy(maxWaitMs);
      }
      return work();
    },
  };
}
