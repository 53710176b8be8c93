/**
 * Takes hash-wasm's two WebAssembly modules, Argon2 and BLAKE2b, out of the pinned package and writes them as files, because
 * workerd compiles no WebAssembly at run time: it must be imported as a module.
 *
 * hash-wasm hands its modules to `WebAssembly.compile` on first use; standing there catches them without knowing how the package
 * embeds them. Each must have the SHA-256 written below, so another version of hash-wasm cannot slip in unread.
 *
 * Runs on plain Node, before anything is built: `node src/password/kernel/extract-hash-wasm.mjs`. Running it again changes nothing.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";

const folder = new URL("../generated/", import.meta.url);

const SHA256_BY_FILE = {
  "argon2.wasm": "7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d",
  "blake2b.wasm": "2aa7f33c4ece502997304672bc8defa348a7a30ef9a191e8648d317830e50afd",
};

if (!(await isUpToDate())) {
  const modules = await captureModules();
  await mkdir(folder, { recursive: true });
  for (const [file, sha256] of Object.entries(SHA256_BY_FILE)) {
    const bytes = modules.get(sha256);
    if (bytes === undefined) {
      const seen = [...modules.keys()].join(", ");
      throw new Error(
        `hash-wasm's ${file} is not the one that was reviewed: wanted SHA-256 ${sha256}, it has ${seen}.`,
      );
    }
    await writeWhole(new URL(file, folder), bytes);
  }
}

async function isUpToDate() {
  const checks = Object.entries(SHA256_BY_FILE).map(async ([file, sha256]) => {
    const bytes = await readFile(new URL(file, folder)).catch(() => undefined);
    return bytes !== undefined && sha256Of(bytes) === sha256;
  });
  return (await Promise.all(checks)).every(Boolean);
}

/** Every module hash-wasm compiles for one Argon2 hash, by SHA-256. */
async function captureModules() {
  /** @type {Map<string, Uint8Array>} */
  const modules = new Map();
  const compile = WebAssembly.compile;
  WebAssembly.compile = (source) => {
    const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (source)).slice();
    modules.set(sha256Of(bytes), bytes);
    return compile(source);
  };
  try {
    const { argon2id } = await import("hash-wasm");
    const salt = new Uint8Array(16);
    await argon2id({ password: "any", salt, iterations: 1, parallelism: 1, memorySize: 8, hashLength: 32 });
  } finally {
    WebAssembly.compile = compile;
  }
  return modules;
}

/** @param {Uint8Array} bytes */
function sha256Of(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

// Two set-ups at once must never show each other half a file.
/** @param {URL} file @param {Uint8Array} bytes */
async function writeWhole(file, bytes) {
  const partial = new URL(`${file.href}.${process.pid}`);
  await writeFile(partial, bytes);
  await rename(partial, file);
}
