import { argon2 } from "../../../src/password/argon2.ts";
import { createBlake2b } from "../../../src/password/blake2b.ts";
import type { FillKernel } from "../../../src/password/fill-kernel.ts";
import { createHashWasmKernel } from "../../../src/password/hash-wasm-kernel.ts";
import { createSimdKernel } from "../../../src/password/simd-kernel.ts";
import type { DifferentialCase } from "../../edge/password/differential-cases.ts";
import { PUBLISHED_VECTORS } from "../../edge/password/published-vectors.ts";

/** A case, and the tag Node 20 and the native implementation agree on. */
export interface ConformanceCase extends DifferentialCase {
  readonly tag: string;
}

export interface ConformanceModules {
  readonly simd: WebAssembly.Module;
  readonly jscSimd: WebAssembly.Module;
  readonly hashWasm: WebAssembly.Module;
  readonly blake2b: WebAssembly.Module;
}

export interface ConformanceReport {
  readonly checked: number;
  /** Which tags came out wrong. */
  readonly failures: readonly string[];
}

// An isolate has 128 MB; and what takes long is for the kernel that the runtime uses.
const MAX_MEMORY_KIB = 65_536;
const MAX_MEMORY_KIB_OF_OTHERS = 1024;

/**
 * Every kernel against the published vectors and the cases, in whatever runtime this runs; Web APIs only. `own` is the kernel
 * that this runtime's hasher uses.
 */
export function checkConformance(
  modules: ConformanceModules,
  cases: readonly ConformanceCase[],
  own: "simd" | "jscSimd",
): ConformanceReport {
  const kernels: ReadonlyArray<readonly [keyof ConformanceModules, () => FillKernel]> = [
    ["simd", () => createSimdKernel(modules.simd)],
    ["jscSimd", () => createSimdKernel(modules.jscSimd)],
    ["hashWasm", () => createHashWasmKernel(modules.hashWasm)],
  ];
  const failures: string[] = [];
  let checked = 0;
  for (const [name, createKernel] of kernels) {
    const parts = { kernel: createKernel(), blake2b: createBlake2b(modules.blake2b) };
    const check = (what: string, tag: Uint8Array, expected: string) => {
      checked += 1;
      if (toHex(tag) !== expected) {
        failures.push(`${name}: ${what}`);
      }
    };
    for (const { source, password, tag, ...input } of PUBLISHED_VECTORS) {
      if (input.memoryKiB <= (name === own ? MAX_MEMORY_KIB : MAX_MEMORY_KIB_OF_OTHERS)) {
        check(`${source}, ${input.variant}`, argon2(parts, password, { ...input, tagBytes: 32 }), tag);
      }
    }
    for (const [index, { password, salt, secret, tag, ...input }] of cases.entries()) {
      const bytes = { salt: fromHex(salt), secret: fromHex(secret) };
      check(`case ${index}`, argon2(parts, fromHex(password), { ...input, ...bytes }), tag);
    }
  }
  return { checked, failures };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
