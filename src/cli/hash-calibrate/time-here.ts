import type { Argon2Parameters } from "../../password/parameters.ts";
import { loadHashModules } from "../../runtimes/node/hash-modules.ts";
import { hashThreadProgram } from "../../runtimes/node/hash-thread-program.ts";
import { startHashThread } from "../../runtimes/node/start-hash-thread.ts";
import { derivationFor, type HashTimer, median } from "./hash-timer.ts";

/** Times hashes on a hash thread of this machine, as the edge runs them. */
export function timeHere(): HashTimer {
  const thread = startHashThread(hashThreadProgram(), loadHashModules("argon2-simd.wasm"));
  const hash = async (parameters: Argon2Parameters) => {
    const startedAt = performance.now();
    await thread.derive(derivationFor(parameters));
    return performance.now() - startedAt;
  };
  return {
    async medianMs(parameters, rounds) {
      await hash(parameters);
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) times.push(await hash(parameters));
      return median(times);
    },
    end: () => thread.end(),
  };
}
