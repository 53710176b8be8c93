import type { Hasher } from "../../password/hasher.ts";
import { hashThreadProgram } from "./hash-thread-program.ts";
import { createThreadedHasher, type ThreadedHasherOptions } from "./threaded-hasher.ts";

/** The hasher on Node: worker threads that run one bundled program. */
export function createNodeHasher(options: ThreadedHasherOptions = {}): Hasher {
  return createThreadedHasher({ program: hashThreadProgram(), simdKernel: "argon2-simd.wasm" }, options);
}
