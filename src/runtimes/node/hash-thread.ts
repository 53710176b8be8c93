/** What runs in a hash thread: the engine, and answers to one derivation after another. Bundled by hash-thread-program.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { createDeriver, type Derivation } from "../../password/derivation.ts";
import { createHashWasmKernel } from "../../password/hash-wasm-kernel.ts";

export interface HashThreadData {
  readonly argon2Module: WebAssembly.Module;
  readonly blake2bModule: WebAssembly.Module;
}

/** The tag, or what went wrong. */
export type HashThreadReply = { readonly tag: Uint8Array } | { readonly failure: unknown };

const { argon2Module, blake2bModule } = workerData as HashThreadData;
const derive = createDeriver({ createKernel: () => createHashWasmKernel(argon2Module), blake2bModule });

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
