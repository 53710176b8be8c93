import { readFileSync } from "node:fs";

/** The engine's WebAssembly modules; structured-clonable, so threads share one compiled copy. */
export interface HashModules {
  /** Which of the two kernels `kernelModule` is. */
  readonly kernel: "simd" | "hash-wasm";
  readonly kernelModule: WebAssembly.Module;
  readonly blake2bModule: WebAssembly.Module;
}

/** Our kernel comes in two forms (password/kernel/README.md): engines differ in which they run faster. */
export type SimdKernelFile = "argon2-simd.wasm" | "argon2-simd-jsc.wasm";

/** Reads and compiles the modules: our kernel where the machine has SIMD, hash-wasm's where it has not. */
export function loadHashModules(simdKernel: SimdKernelFile): HashModules {
  const simd = readFileSync(new URL(`../../password/kernel/${simdKernel}`, import.meta.url));
  const blake2bModule = compile("generated/blake2b.wasm");
  return WebAssembly.validate(simd)
    ? { kernel: "simd", kernelModule: new WebAssembly.Module(simd), blake2bModule }
    : { kernel: "hash-wasm", kernelModule: compile("generated/argon2.wasm"), blake2bModule };
}

function compile(pathInPassword: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(new URL(`../../password/${pathInPassword}`, import.meta.url)));
}
