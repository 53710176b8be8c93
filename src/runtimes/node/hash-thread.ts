/** What runs in a hash thread: the engine, and answers to one derivation after another. Bundled by thread-program.ts, or at set-up. */
import { parentPort, workerData } from "node:worker_threads";
import { createDeriver, type Derivation } from "../../password/derivation.ts";
import { createHashWasmKernel } from "../../password/hash-wasm-kernel.ts";
import { createSimdKernel } from "../../password/simd-kernel.ts";
import type { HashModules } from "./hash-modules.ts";

/** The tag, or what went wrong. */
export type HashThreadReply = { readonly tag: Uint8Array } | { readonly failure: unknown };

const { kernel, kernelModule, blake2bModule } = workerData as HashModules;
const createKernel = kernel === "simd" ? createSimdKernel : createHashWasmKernel;
const derive = createDeriver({ createKernel: () => createKernel(kernelModule), blake2bModule });

parentPort?.on("message", (derivation: Derivation) => {
  parentPort?.postMessage(answer(derivation));
});

function answer(derivation: Derivation): HashThreadReply {
  try {
    return { tag: derive(derivation) };
  } catch (error) {
    return { failure: error instanceof Error ? error.cause : error };
  }
}
