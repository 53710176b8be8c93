import { availableParallelism } from "node:os";
import { createHasher } from "../../password/create-hasher.ts";
import type { Hasher } from "../../password/hasher.ts";
import { HASHER_DEFAULTS, type HasherOptions } from "../../password/hasher-options.ts";
import { BOUNDS, PROFILES } from "../../password/parameters.ts";
import { createThreadPool } from "../../password/thread-pool.ts";
import { loadHashModules, type SimdKernelFile } from "./hash-modules.ts";
import { startHashThread } from "./start-hash-thread.ts";

export interface ThreadedHasherOptions extends HasherOptions {
  /** HASH_THREADS: how many hashes at once; by default as many as there are cores, at most four. */
  readonly threads?: number | undefined;
}

/** What differs between the runtimes that have `node:worker_threads`. */
export interface ThreadedRuntime {
  /** What a hash thread runs. */
  readonly program: URL;
  readonly simdKernel: SimdKernelFile;
}

const MAX_DEFAULT_THREADS = 4;

/**
 * Hashes on worker threads, so that the event loop stays free. Threads start with the first hashes; each keeps one instance,
 * grown to the largest cost it has met: 48 MiB with the standard profile.
 */
export function createThreadedHasher(
  { program, simdKernel }: ThreadedRuntime,
  { profile, peppers, threads, maxWaiting, maxWaitMs }: ThreadedHasherOptions,
): Hasher {
  const modules = loadHashModules(simdKernel);
  const pool = createThreadPool({
    threads: threads ?? Math.min(MAX_DEFAULT_THREADS, availableParallelism()),
    maxWaiting: maxWaiting ?? HASHER_DEFAULTS.maxWaiting,
    maxWaitMs: maxWaitMs ?? HASHER_DEFAULTS.maxWaitMs,
    startThread: () => startHashThread(program, modules),
  });
  return createHasher({
    parameters: PROFILES[profile ?? HASHER_DEFAULTS.profile],
    bounds: BOUNDS,
    peppers: peppers ?? HASHER_DEFAULTS.peppers,
    derive: pool.derive,
    close: pool.close,
  });
}
