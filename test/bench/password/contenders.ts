import Phi from "@phi-ag/argon2";
import setUpOpenPgpArgon2id from "argon2id/lib/setup.js";
import { argon2id as hashWasmArgon2id } from "hash-wasm";
import { argon2 } from "../../../src/password/argon2.ts";
import { createBlake2b } from "../../../src/password/blake2b.ts";
import { createHashWasmKernel } from "../../../src/password/hash-wasm-kernel.ts";
import { PROFILES } from "../../../src/password/parameters.ts";
import { createSimdKernel } from "../../../src/password/simd-kernel.ts";

/** One way to make one Argon2id tag with the standard profile: 48 MiB, three passes, one lane. */
export interface Contender {
  readonly name: string;
  readonly hash: () => unknown;
}

export type ModuleName = "ours" | "hashWasm" | "blake2b" | "phi" | "openPgp";
export type Modules = Readonly<Record<ModuleName, WebAssembly.Module>>;

export const COST = PROFILES.standard;
export const PASSWORD = "correct horse battery staple";
export const SALT = new Uint8Array(16).fill(7);
export const TAG_BYTES = 32;

/** Those that need nothing but WebAssembly: they run on every runtime. `stock` leaves out hash-wasm where it cannot compile. */
export async function webAssemblyContenders(modules: Modules, { stock }: { stock: boolean }): Promise<Contender[]> {
  const { memoryKiB, passes, lanes } = COST;
  const ours = (kernel: ReturnType<typeof createSimdKernel>) => {
    const parts = { kernel, blake2b: createBlake2b(modules.blake2b) };
    return () => argon2(parts, utf8(PASSWORD), { ...COST, salt: SALT, tagBytes: TAG_BYTES });
  };
  const phi = new Phi(new WebAssembly.Instance(modules.phi));
  const phiOptions = { salt: SALT, memoryCost: memoryKiB, timeCost: passes, parallelism: lanes, hashLength: TAG_BYTES };
  const instantiate = (imports: WebAssembly.Imports) =>
    Promise.resolve({ instance: new WebAssembly.Instance(modules.openPgp, imports), module: modules.openPgp });
  const openPgp = await setUpOpenPgpArgon2id(instantiate, instantiate);
  const hashWasmOptions = { memorySize: memoryKiB, iterations: passes, parallelism: lanes, hashLength: TAG_BYTES };
  return [
    { name: "ours", hash: ours(createSimdKernel(modules.ours)) },
    { name: "ours without SIMD", hash: ours(createHashWasmKernel(modules.hashWasm)) },
    ...(stock
      ? [{ name: "hash-wasm", hash: () => hashWasmArgon2id({ password: PASSWORD, salt: SALT, ...hashWasmOptions }) }]
      : []),
    { name: "@phi-ag/argon2", hash: () => phi.hash(PASSWORD, phiOptions) },
    {
      name: "OpenPGP.js argon2id",
      hash: () =>
        openPgp({
          password: utf8(PASSWORD),
          salt: SALT,
          memorySize: memoryKiB,
          passes,
          parallelism: lanes,
          tagLength: TAG_BYTES,
        }),
    },
  ];
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
