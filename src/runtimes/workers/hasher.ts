import { createHasher } from "../../password/create-hasher.ts";
import { createDeriver } from "../../password/derivation.ts";
import blake2bModule from "../../password/generated/blake2b.wasm";
import { createHashTurns } from "../../password/hash-turns.ts";
import type { Hasher } from "../../password/hasher.ts";
import { HASHER_DEFAULTS, type HasherOptions } from "../../password/hasher-options.ts";
import kernelModule from "../../password/kernel/argon2-simd.wasm";
import { PROFILES, WORKERS_BOUNDS } from "../../password/parameters.ts";
import { createSimdKernel } from "../../password/simd-kernel.ts";

// One engine an isolate, whoever makes hashers: its memory is most of what an isolate may use. workerd always has SIMD.
const deriveNow = createDeriver({ createKernel: () => createSimdKernel(kernelModule), blake2bModule });

/** Hashes in the isolate itself, one at a time, in one instance that stays under 64 MiB. */
export function createWorkersHasher(options: HasherOptions = {}): Hasher {
  const turns = createHashTurns({
    maxWaiting: options.maxWaiting ?? HASHER_DEFAULTS.maxWaiting,
    maxWaitMs: options.maxWaitMs ?? HASHER_DEFAULTS.maxWaitMs,
  });
  return createHasher({
    parameters: PROFILES[options.profile ?? HASHER_DEFAULTS.profile],
    bounds: WORKERS_BOUNDS,
    peppers: options.peppers ?? HASHER_DEFAULTS.peppers,
    derive: (derivation, signal) => turns.run(() => deriveNow(derivation), signal),
    close: async () => {},
  });
}
