import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModuleName } from "./contenders.ts";

const require = createRequire(import.meta.url);
const password = fileURLToPath(new URL("../../../src/password", import.meta.url));

/** Where the contenders' modules are. `ours` is the kernel for `runtime`. */
export function modulePaths(runtime: string): Readonly<Record<ModuleName, string>> {
  return {
    ours: join(password, "kernel", runtime === "bun" ? "argon2-simd-jsc.wasm" : "argon2-simd.wasm"),
    hashWasm: join(password, "generated/argon2.wasm"),
    blake2b: join(password, "generated/blake2b.wasm"),
    phi: require.resolve("@phi-ag/argon2/argon2.wasm"),
    openPgp: join(dirname(require.resolve("argon2id/package.json")), "dist/simd.wasm"),
  };
}

export function modulesInBase64(runtime: string): Readonly<Record<ModuleName, string>> {
  const encoded = Object.entries(modulePaths(runtime)).map(([name, path]) => [
    name,
    readFileSync(path).toString("base64"),
  ]);
  return Object.fromEntries(encoded) as Record<ModuleName, string>;
}
