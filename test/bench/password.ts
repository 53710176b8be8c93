import { readFileSync } from "node:fs";
import { type Modules, webAssemblyContenders } from "./password/contenders.ts";
import { measureInterleaved } from "./password/measure.ts";
import { nativeContenders } from "./password/native-contenders.ts";
import { measureInWorkerd, measureOn } from "./password/on-runtimes.ts";
import { report } from "./password/report.ts";
import { reportStormInWorkerd, reportStormOnNode } from "./password/storm.ts";
import { modulePaths } from "./password/wasm-modules.ts";

const DEFAULT_ROUNDS = 25;

/**
 * One hash (48 MiB, t=3, p=1) by everybody on Node 20 in this process, then without the native ones on Node 24, Bun, Deno and
 * workerd; the first call of fresh processes; the login storm. Argument: rounds.
 */
export async function run([rounds = String(DEFAULT_ROUNDS)]: string[]): Promise<void> {
  const count = Number(rounds);
  const compiled = Object.entries(modulePaths("node20")).map(
    ([name, path]) => [name, new WebAssembly.Module(readFileSync(path))] as const,
  );
  const contenders = await webAssemblyContenders(Object.fromEntries(compiled) as Modules, { stock: true });
  report(
    `One hash on Node ${process.version}`,
    await measureInterleaved([...contenders, ...nativeContenders()], count),
  );
  for (const runtime of ["node20", "node24", "bun", "deno"] as const) {
    report(`One hash on ${runtime}, a fresh process`, await measureOn(runtime, count));
  }
  report("One hash in workerd, timed from outside", await measureInWorkerd(count));
  await reportStormOnNode();
  await reportStormInWorkerd();
}
