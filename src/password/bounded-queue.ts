import { HasherError } from "../errors.ts";

export interface BoundedQueueOptions {
  /** How many may be inside at once. */
  readonly places: number;
  /** How many may wait. */
  readonly maxWaiting: number;
  /** How long one may wait, milliseconds. */
  readonly maxWaitMs: number;
}

export interface BoundedQueue {
  /**
   * Waits for a place, first come, first served, and gives back the function that leaves it. Throws `HasherError` `HASHER_BUSY`
   * when too many wait, when the wait was too long or the queue is closed, and the signal's reason when the caller has gone.
   */
  enter(signal: AbortSignal | undefined): Promise<() => void>;
  /** Turns everybody who waits away, lets nobody in any more, and resolves when the last one inside has left. */
  close(): Promise<void>;
}

interface Waiting {
  readonly admit: () => void;
  readonly turnAway: (reason: unknown) => void;
}

/** A queue in front of a fixed number of places, that nobody waits in without a bound. */
export function createBoundedQueue({ places, maxWaiting, maxWaitMs }: BoundedQueueOptions): BoundedQueue {
  const waiting = new Set<Waiting>();
  let inside = 0;
  let closed: PromiseWithResolversOfVoid | undefined;

  const leave = () => {
    inside -= 1;
    const [next] = waiting;
    next?.admit();
    if (inside === 0) {
      closed?.resolve();
    }
  };

  const takePlace = (): (() => void) => {
    inside += 1;
    let left = false;
    return () => {
      if (!left) {
        left = true;
        leave();
      }
    };
  };

  const waitForPlace = (signal: AbortSignal | undefined) =>
    new Promise<() => void>((resolve, reject) => {
      const stopWaiting = () => {
        waiting.delete(entry);
        clearTimeout(timer);
        signal?.removeEventListener("abort", abandon);
      };
      const entry: Waiting = {
        admit: () => {
          stopWaiting();
          resolve(takePlace());
        },
        turnAway: (reason) => {
          stopWaiting();
          reject(reason);
        },
      };
      const abandon = () => entry.turnAway(signal?.reason);
      const timer = setTimeout(() => entry.turnAway(busy(maxWaitMs)), maxWaitMs);
      signal?.addEventListener("abort", abandon, { once: true });
      waiting.add(entry);
    });

  return {
    async enter(signal) {
      signal?.throwIfAborted();
      if (closed !== undefined) {
        throw busy(maxWaitMs);
      }
      if (inside < places) {
        return takePlace();
      }
      if (waiting.size >= maxWaiting) {
        throw busy(maxWaitMs);
      }
      return await waitForPlace(signal);
    },
    async close() {
      closed ??= withResolvers();
      for (const entry of waiting) {
        entry.turnAway(busy(maxWaitMs));
      }
      if (inside > 0) {
        await closed.promise;
      }
    },
  };
}

/** Trying again is worth it once everybody who waits now has been served or turned away. */
export function busy(maxWaitMs: number): HasherError {
  const retryAfterSeconds = Math.max(1, Math.ceil(maxWaitMs / 1000));
  return new HasherError("HASHER_BUSY", "Too many passwords are being checked just now.", { retryAfterSeconds });
}

interface PromiseWithResolversOfVoid {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function withResolvers(): PromiseWithResolversOfVoid {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
