import type { Hasher } from "../../password/hasher.ts";
import { createThreadedHasher, type ThreadedHasherOptions } from "../node/threaded-hasher.ts";

/** The hasher on Deno, whose threads read TypeScript themselves. */
export function createDenoHasher(options: ThreadedHasherOptions = {}): Hasher {
  const program = new URL("../node/hash-thread.ts", import.meta.url);
  return createThreadedHasher({ program, simdKernel: "argon2-simd.wasm" }, options);
}
