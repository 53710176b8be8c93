import type { Hasher } from "../../password/hasher.ts";
import { createThreadedHasher, type ThreadedHasherOptions } from "../node/threaded-hasher.ts";

/** The hasher on Bun, whose threads read TypeScript themselves, and whose engine is faster with the plainer kernel. */
export function createBunHasher(options: ThreadedHasherOptions = {}): Hasher {
  const program = new URL("../node/hash-thread.ts", import.meta.url);
  return createThreadedHasher({ program, simdKernel: "argon2-simd-jsc.wasm" }, options);
}
