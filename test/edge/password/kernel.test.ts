import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));

// Inside the checkout, so that the scripts find the packages.
const cache = join(root, "node_modules/.cache");
let folder: string;
beforeEach(() => {
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "gatehouse-kernel-"));
  cpSync(join(root, "src/password/kernel"), join(folder, "kernel"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const node = (script: string, ...args: string[]) => run(process.execPath, [join(folder, "kernel", script), ...args]);

describe("the kernel's build", () => {
  it("gives the committed bytes again", async () => {
    await expect(node("build.mjs", "--check")).resolves.toMatchObject({ stderr: "" });
  });

  it.each(["argon2-simd.wasm", "argon2-simd-jsc.wasm"])("finds one changed byte in %s", async (file) => {
    const path = join(folder, "kernel", file);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await expect(node("build.mjs", "--check")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${file} is not what its source builds`),
    });
  });

  it("finds a changed source", async () => {
    const path = join(folder, "kernel/vector-permutation.mjs");
    writeFileSync(path, readFileSync(path, "utf8").replace("(i32.const 63)", "(i32.const 62)"));
    await expect(node("build.mjs", "--check")).rejects.toMatchObject({ code: 1 });
  });
});

describe("taking hash-wasm's modules out of its package", () => {
  const extracted = (file: string) => join(folder, "generated", file);

  it("writes them, and leaves them alone the next time", async () => {
    await node("extract-hash-wasm.mjs");
    for (const file of ["argon2.wasm", "blake2b.wasm"]) {
      expect(readFileSync(extracted(file)).equals(readFileSync(join(root, "src/password/generated", file)))).toBe(true);
    }
    const { mtimeMs } = statSync(extracted("argon2.wasm"));
    await node("extract-hash-wasm.mjs");
    expect(statSync(extracted("argon2.wasm")).mtimeMs).toBe(mtimeMs);
  });

  it("replaces a file that is not what it should be", async () => {
    mkdirSync(join(folder, "generated"));
    writeFileSync(extracted("argon2.wasm"), "half a file");
    await node("extract-hash-wasm.mjs");
    expect(readFileSync(extracted("argon2.wasm"))).toHaveLength(7148);
  });

  it("refuses a module that nobody reviewed", async () => {
    const path = join(folder, "kernel/extract-hash-wasm.mjs");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"argon2\.wasm": "7a25/, '"argon2.wasm": "0000'));
    await expect(node("extract-hash-wasm.mjs")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("argon2.wasm is not the one that was reviewed"),
    });
  });
});
