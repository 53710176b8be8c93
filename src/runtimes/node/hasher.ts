import { availableParallelism } from "node:os";
import { createHasher } from "../../password/create-hasher.ts";
import type { Hasher } from "../../password/hasher.ts";
import { HASHER_DEFAULTS, type HasherOptions } from "../../password/hasher-options.ts";
import { BOUNDS, PROFILES } from "../../password/parameters.ts";
import { createThreadPool } from "../../password/thread-pool.ts";
import { loadHashModules } from "./hash-modules.ts";
import { hashThreadProgram } from "./hash-thread-program.ts";
import { startHashThread } from "./start-hash-thread.ts";

export interface NodeHasherOptions extends HasherOptions {
  /** HASH_THREADS: how many hashes at once; by default as many as there are cores, at most four. */
  readonly threads?: number | undefined;
}

const MAX_DEFAULT_THREADS = 4;

/**
 * Hashes on worker threads, so that the event loop stays free. Threads start with the first hashes; each keeps one instance,
 * grown to the largest cost it has met: 48 MiB with the standard profile.
 */
export function createNodeHasher(options: NodeHasherOptions = {}): Hasher {
  const threads = options.threads ?? Math.min(MAX_DEFAULT_THREADS, availableParallelism());
  const maxWaiting = options.maxWaiting ?? HASHER_DEFAULTS.maxWaiting;
  const maxWaitMs = options.maxWaitMs ?? HASHER_DEFAULTS.maxWaitMs;
  const modules = loadHashModules();
  hashThreadProgram();
  const pool = createThreadPool({ threads, maxWaiting, maxWaitMs, startThread: () => startHashThread(modules) });
  return createHasher({
    parameters: PROFILES[options.profile ?? HASHER_DEFAULTS.profile],
    bounds: BOUNDS,
    peppers: options.peppers ?? HASHER_DEFAULTS.peppers,
    derive: pool.derive,
    close: pool.close,
  });
}
