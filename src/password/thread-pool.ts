import { HasherError } from "../errors.ts";
import { type BoundedQueueOptions, createBoundedQueue } from "./bounded-queue.ts";
import type { Derivation } from "./derivation.ts";

/** A thread that does one derivation at a time. */
export interface HashThread {
  /** Rejects with `HasherError` `HASHER_FAILED` when the engine failed, or when the thread ended before it answered. */
  derive(derivation: Derivation): Promise<Uint8Array>;
  /** False once the thread has ended. */
  readonly alive: boolean;
  end(): Promise<void>;
}

export interface ThreadPoolOptions extends Omit<BoundedQueueOptions, "places"> {
  readonly threads: number;
  readonly startThread: () => HashThread;
}

export interface ThreadPool {
  derive(derivation: Derivation, signal: AbortSignal | undefined): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * A fixed number of hash threads behind a bounded queue. A thread starts when one is first needed, and again after it died:
 * its death fails the one hash it was working on.
 */
export function createThreadPool({ threads, startThread, ...bounds }: ThreadPoolOptions): ThreadPool {
  const queue = createBoundedQueue({ places: threads, ...bounds });
  const idle: HashThread[] = [];
  return {
    async derive(derivation, signal) {
      const leave = await queue.enter(signal);
      try {
        const thread = takeAlive(idle) ?? startThread();
        try {
          return await thread.derive(derivation);
        } finally {
          idle.push(thread);
        }
      } catch (error) {
        throw error instanceof HasherError
          ? error
          : new HasherError("HASHER_FAILED", "The password engine failed.", { cause: error });
      } finally {
        leave();
      }
    },
    async close() {
      await queue.close();
      await Promise.all(idle.splice(0).map((thread) => thread.end()));
    },
  };
}

// The one used last is the warmest.
function takeAlive(idle: HashThread[]): HashThread | undefined {
  for (let thread = idle.pop(); thread !== undefined; thread = idle.pop()) {
    if (thread.alive) {
      return thread;
    }
  }
  return undefined;
}
