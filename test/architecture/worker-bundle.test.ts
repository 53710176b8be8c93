import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What Cloudflare counts is the bundle and its modules, gzipped. Half of a megabyte starts slowly; ours stays well below. */
const MAX_GZIPPED_BYTES = 400 * 1024;

/** Every module a source imports, statically or not, that is neither Cloudflare's own nor a WebAssembly file beside it. */
async function foreignImports(source: string): Promise<string[]> {
  const { metafile } = await build({
    stdin: { contents: source },
    bundle: true,
    external: ["*"],
    format: "esm",
    metafile: true,
    write: false,
  });
  return Object.values(metafile.inputs)
    .flatMap(({ imports }) => imports.map(({ path }) => path))
    .filter((path) => !path.startsWith("cloudflare:") && !/^\.\/[\w-]+\.wasm$/.test(path));
}

describe("the bundle for Workers", () => {
  let folder: string;
  let source: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-bundle-"));
    execFileSync(
      process.execPath,
      [join(root, "node_modules/wrangler/wrangler-dist/cli.js"), "deploy", "--dry-run", "--outdir", folder],
      { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false" }, stdio: "pipe" },
    );
    source = readFileSync(join(folder, "main.js"), "utf8");
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("imports nothing but cloudflare:* and its WebAssembly", async () => {
    expect(await foreignImports(source)).toEqual([]);
  });

  it("would be caught importing Node, a package or a file", async () => {
    const sneaky = `import fs from "node:fs"; import "pg"; export { b } from "./b.js";
      const a = await import("crypto"); var c = require("net"); console.log(fs, a, c);`;
    expect((await foreignImports(sneaky)).sort()).toEqual(["./b.js", "crypto", "net", "node:fs", "pg"]);
  });

  it("holds the password engine as WebAssembly modules", () => {
    expect(readdirSync(folder).filter((file) => file.endsWith(".wasm")).length).toBeGreaterThanOrEqual(2);
  });

  it("stays under 400 KiB gzipped", () => {
    const files = readdirSync(folder).filter((file) => /\.(js|wasm)$/.test(file));
    const bytes = files.map((file) => gzipSync(readFileSync(join(folder, file))).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_GZIPPED_BYTES);
  });
});
