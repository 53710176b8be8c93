import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { freePort } from "../../fixtures/free-port.ts";
import { runtimeBinary } from "../../fixtures/runtimes.ts";
import { startWorkerd } from "../../fixtures/workerd.ts";
import type { Contender } from "./contenders.ts";
import { type Measurement, measureInterleaved } from "./measure.ts";
import { modulesInBase64 } from "./wasm-modules.ts";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));

/** One hash on each of the other runtimes that have a clock: a fresh process each, the same bundle. */
export async function measureOn(runtime: "node20" | "node24" | "bun" | "deno", rounds: number): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const bundle = join(folder, "program.mjs");
  try {
    await build({
      entryPoints: [join(here, "web-program.ts")],
      outfile: bundle,
      bundle: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      define: { MODULES: JSON.stringify(modulesInBase64(runtime)), ROUNDS: String(rounds) },
    });
    const binary = runtime === "node20" ? process.execPath : runtimeBinary(runtime);
    const { stdout } = await run(binary, runtime.startsWith("node") ? [bundle] : ["run", bundle]);
    return JSON.parse(stdout) as Measurement[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One hash a request in workerd, less what a request that hashes nothing takes. */
export async function measureInWorkerd(rounds: number): Promise<Measurement[]> {
  const workerd = await startWorkerd({ port: await freePort(), bindings: {}, config: join(here, "wrangler.toml") });
  const get = (path: string) => fetch(`${workerd.url}/${encodeURIComponent(path)}`);
  try {
    const names = (await (await get("")).json()) as string[];
    const contenders: Contender[] = [...names, "nothing"].map((name) => ({
      name,
      hash: async () => await (await get(name)).arrayBuffer(),
    }));
    const measured = await measureInterleaved(contenders, rounds);
    const nothing = measured.find(({ name }) => name === "nothing")?.ms ?? [];
    return measured
      .filter(({ name }) => name !== "nothing")
      .map(({ name, firstMs, ms }) => ({ name, firstMs, ms: ms.map((value, round) => value - (nothing[round] ?? 0)) }));
  } finally {
    await workerd.stop();
  }
}
