/** The engine's parts for tests, made of the same files every runtime loads. */
import { readFileSync } from "node:fs";
import type { Argon2Parts } from "../../../src/password/argon2.ts";
import { createBlake2b } from "../../../src/password/blake2b.ts";
import { createHasher } from "../../../src/password/create-hasher.ts";
import { createDeriver, type Derivation } from "../../../src/password/derivation.ts";
import { createHashWasmKernel } from "../../../src/password/hash-wasm-kernel.ts";
import type { Hasher } from "../../../src/password/hasher.ts";
import { type Argon2Parameters, BOUNDS } from "../../../src/password/parameters.ts";
import { NO_PEPPERS, type Peppers } from "../../../src/password/peppers.ts";
import { createSimdKernel } from "../../../src/password/simd-kernel.ts";

export function readModule(pathInPassword: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(new URL(`../../../src/password/${pathInPassword}`, import.meta.url)));
}

export const argon2Module = readModule("generated/argon2.wasm");
export const blake2bModule = readModule("generated/blake2b.wasm");

/** Every kernel that ships, by a name for test titles. */
export const KERNELS: ReadonlyArray<readonly [string, () => Argon2Parts["kernel"]]> = [
  ["hash-wasm's kernel", () => createHashWasmKernel(argon2Module)],
  ["our kernel", () => createSimdKernel(readModule("kernel/argon2-simd.wasm"))],
  ["our kernel for Bun", () => createSimdKernel(readModule("kernel/argon2-simd-jsc.wasm"))],
];

export function createParts([, createKernel]: (typeof KERNELS)[number]): Argon2Parts {
  return { kernel: createKernel(), blake2b: createBlake2b(blake2bModule) };
}

/** Cheap, within the bounds. */
export const CHEAP: Argon2Parameters = { memoryKiB: 8 * 1024, passes: 1, lanes: 1 };

export interface InlineHasher {
  readonly hasher: Hasher;
  /** Every derivation that was asked for, without the password. */
  readonly derivations: ReadonlyArray<Omit<Derivation, "password">>;
}

/** A hasher that works at once, in the test's own thread, and tells what it was asked to do. */
export function createInlineHasher(options: { parameters?: Argon2Parameters; peppers?: Peppers } = {}): InlineHasher {
  const [, createKernel] = KERNELS[KERNELS.length - 1] ?? KERNELS[0] ?? fail();
  const derive = createDeriver({ createKernel, blake2bModule });
  const derivations: Omit<Derivation, "password">[] = [];
  const hasher = createHasher({
    parameters: options.parameters ?? CHEAP,
    bounds: BOUNDS,
    peppers: options.peppers ?? NO_PEPPERS,
    derive: async (derivation) => {
      const { password: _, ...rest } = derivation;
      derivations.push(rest);
      return derive(derivation);
    },
    close: async () => {},
  });
  return { hasher, derivations };
}

function fail(): never {
  throw new Error("There is no kernel to test.");
}
