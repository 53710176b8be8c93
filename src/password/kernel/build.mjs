/**
 * Builds our kernels: `node src/password/kernel/build.mjs` writes them, `--check` fails when a rebuild gives other bytes than the
 * committed files. The assembler is the pinned package `wabt`.
 */
import { readFile, writeFile } from "node:fs/promises";
import wabt from "wabt";
import { fillModule } from "./fill-module.mjs";

/** @type {ReadonlyArray<{ file: string, engine: import("./vector-permutation.mjs").Engine }>} */
const KERNELS = [
  { file: "argon2-simd.wasm", engine: "v8" },
  { file: "argon2-simd-jsc.wasm", engine: "jsc" },
];

const check = process.argv.includes("--check");
const assembler = await wabt();

for (const { file, engine } of KERNELS) {
  const url = new URL(file, import.meta.url);
  const built = assemble(file, fillModule({ engine }));
  if (!check) {
    await writeFile(url, built);
    console.log(`${file}: ${built.length} bytes`);
  } else if (!built.equals(await readFile(url))) {
    console.error(`src/password/kernel/${file} is not what its source builds. Run: node src/password/kernel/build.mjs`);
    process.exitCode = 1;
  }
}

/** @param {string} file @param {string} text */
function assemble(file, text) {
  const module = assembler.parseWat(file, text, { simd: true });
  try {
    module.validate();
    return Buffer.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
