import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differentialCases } from "../../edge/password/differential-cases.ts";
import { nativeTag } from "../../edge/password/oracles.ts";
import { freePort } from "../../fixtures/free-port.ts";
import { type OtherRuntime, runtimeBinary } from "../../fixtures/runtimes.ts";
import { startWorkerd, type Workerd } from "../../fixtures/workerd.ts";
import type { ConformanceReport } from "./conformance.ts";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const CASES = [...differentialCases(2026, 56, { maxMemoryKiB: 512 })].map((asked) => ({
  ...asked,
  tag: nativeTag(asked),
}));

const GOOD_ANSWERS = {
  stored: expect.stringMatching(/^\$argon2id\$v=19\$m=8192,t=1,p=1\$/),
  right: { ok: true, needsRehash: false },
  wrong: { ok: false, needsRehash: false },
  nobody: { ok: false, needsRehash: false },
};

const RUNTIMES: ReadonlyArray<readonly [string, OtherRuntime, readonly string[]]> = [
  ["Node 24", "node24", ["--import", import.meta.resolve("tsx")]],
  ["Bun", "bun", ["run"]],
  ["Deno", "deno", ["run", "--allow-read", "--allow-sys", "--allow-env"]],
];

describe.each(RUNTIMES)("the password engine on %s", (_, runtime, args) => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-conformance-"));
  const bundle = join(folder, "conformance.mjs");

  beforeAll(() => bundleConformance(bundle, runtime === "bun" ? "jscSimd" : "simd"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("gives the tags of the published vectors and of the native implementation", async () => {
    const { stdout } = await run(runtimeBinary(runtime), runtime === "node24" ? [bundle] : ["run", bundle]);
    expectConformance(JSON.parse(stdout) as ConformanceReport);
  });

  it("hashes and verifies on its threads", async () => {
    const program = join(here, "hash-and-verify.ts");
    const { stdout } = await run(runtimeBinary(runtime), [...args, program, runtime]);
    expect(JSON.parse(stdout)).toEqual({ ...GOOD_ANSWERS, many: 8 });
  });
});

describe("the password engine in workerd", () => {
  let workerd: Workerd;
  beforeAll(async () => {
    workerd = await startWorkerd({ port: await freePort(), bindings: {}, config: join(here, "wrangler.toml") });
  });
  afterAll(() => workerd.stop());

  const post = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${workerd.url}${path}`, { method: "POST", body: JSON.stringify(body) });
    return await response.json();
  };

  it("gives the tags of the published vectors and of the native implementation", async () => {
    expectConformance((await post("/conformance", CASES)) as ConformanceReport);
  });

  it("hashes and verifies in the isolate itself", async () => {
    expect(await post("/hash-and-verify", null)).toEqual(GOOD_ANSWERS);
  });

  it("serves callers who come at once in turn", async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => post("/login", "correct horse")));
    expect(answers).toEqual(Array.from({ length: 4 }, () => ({ ok: false, needsRehash: false })));
  });
});

function expectConformance({ checked, failures }: ConformanceReport): void {
  expect(failures).toEqual([]);
  expect(checked).toBeGreaterThan(3 * CASES.length);
}

async function bundleConformance(outfile: string, ownKernel: "simd" | "jscSimd"): Promise<void> {
  const base64 = (path: string) => readFileSync(join(here, "../../../src/password", path)).toString("base64");
  const modules = {
    simd: base64("kernel/argon2-simd.wasm"),
    jscSimd: base64("kernel/argon2-simd-jsc.wasm"),
    hashWasm: base64("generated/argon2.wasm"),
    blake2b: base64("generated/blake2b.wasm"),
  };
  await build({
    entryPoints: [join(here, "conformance-program.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    define: { CASES: JSON.stringify(CASES), OWN_KERNEL: JSON.stringify(ownKernel), MODULES: JSON.stringify(modules) },
  });
}
