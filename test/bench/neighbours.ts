import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startWatchedDaemon } from "../chaos/watched-daemon.ts";
import { type LoadResult, load } from "./load/http-load.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = `${root}.venv/bin/python`;
const models = fileURLToPath(new URL("peers/neighbour_models.py", import.meta.url));

/** Models at once. */
const MODELS = 4;

const WARM_UP_MS = 500;

interface Scenario {
  readonly name: string;
  readonly model: "Sleeping" | "Awaiting" | "Working";
  readonly connections: number;
  readonly settings?: string;
  /** Whether a core is what it needs; else four of them should get four times what one gets. */
  readonly needsCore: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "sleeps 20 ms, 1 caller each", model: "Sleeping", connections: 1, needsCore: false },
  {
    name: "awaits 20 ms, 16 callers each",
    model: "Awaiting",
    connections: 16,
    settings: "concurrency = 16",
    needsCore: false,
  },
  { name: "works, 1 caller each", model: "Working", connections: 1, needsCore: true },
  { name: "works, 4 callers each", model: "Working", connections: 4, needsCore: true },
];

/** The least part of what the cores allow that four models at once must reach. */
const LEAST_PART = 0.85;

/**
 * One model alone against four at once, on four workers: throughput and latency, and which part they reach of what the cores allow. For models
 * that need no core that is four times one's; for those that do, what four bare processes that do the same work get together against one.
 * `--rounds 3`, `--seconds 3` of a slice. Exit code 1 when a median is below LEAST_PART.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "3" } },
  });
  const seconds = Number(values.seconds);
  const rounds = Array.from({ length: Number(values.rounds) });
  process.stdout.write(
    `${cpus().length} cores\n${row(["", "alone /s", "p50", "p99", "four /s", "p50", "p99", "times", "cores", "part"])}\n`,
  );
  for (const scenario of SCENARIOS) {
    const slices: Slice[] = [];
    for (const _ of rounds) slices.push(await measure(scenario, seconds));
    const middle = slices.sort((a, b) => a.part - b.part)[Math.floor(slices.length / 2)];
    if (middle === undefined) continue;
    print(scenario, middle);
    if (middle.part < LEAST_PART) process.exitCode = 1;
  }
}

interface Slice {
  readonly alone: LoadResult;
  readonly four: LoadResult;
  /** Times as much as one alone: four models at once, and four bare processes. */
  readonly times: number;
  readonly allowed: number;
  readonly part: number;
}

async function measure(scenario: Scenario, seconds: number): Promise<Slice> {
  const allowed = scenario.needsCore ? (await bareCalls(MODELS, seconds)) / (await bareCalls(1, seconds)) : MODELS;
  await using daemon = await startWatchedDaemon(toml(scenario));
  for (const name of names())
    await daemon.logged(({ message, model }) => message === "model is ready" && model === name);
  const at = (name: string) =>
    load({
      port: Number(new URL(daemon.url).port),
      path: `/v1/infer/${name}`,
      body: Buffer.from("1"),
      headers: { "content-type": "application/json" },
      connections: scenario.connections,
      warmUpMs: WARM_UP_MS,
      durationMs: seconds * 1_000,
    });
  const alone = await at("m0");
  const four = together(await Promise.all(names().map(at)));
  const times = four.perSecond / alone.perSecond;
  return { alone, four, times, allowed, part: times / allowed };
}

function names(): readonly string[] {
  return Array.from({ length: MODELS }, (_, index) => `m${index}`);
}

function toml({ model, settings = "" }: Scenario): string {
  return names()
    .map((name) => `[models.${name}]\nclass = "${models}:${model}"\n${settings}\n`)
    .join("");
}

/** Calls that so many processes make together, with nothing but the cores between them. */
async function bareCalls(processes: number, seconds: number): Promise<number> {
  const env = { ...process.env, PYTHONPATH: `${root}python/src` };
  const calls = Array.from({ length: processes }, () =>
    promisify(execFile)(python, [models, String(seconds)], { env }),
  );
  return (await Promise.all(calls)).reduce((sum, { stdout }) => sum + Number(stdout), 0);
}

/** Throughputs add up; of latencies the worst counts. */
function together(results: readonly LoadResult[]): LoadResult {
  return {
    perSecond: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50Ms: Math.max(...results.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...results.map(({ p99Ms }) => p99Ms)),
    failures: results.reduce((sum, { failures }) => sum + failures, 0),
  };
}

function print({ name }: Scenario, { alone, four, times, allowed, part }: Slice): void {
  const latency = (result: LoadResult) => [result.p50Ms.toFixed(1), result.p99Ms.toFixed(1)];
  const cells = [alone.perSecond.toFixed(0), ...latency(alone), four.perSecond.toFixed(0), ...latency(four)];
  const failures = alone.failures + four.failures;
  process.stdout.write(
    `${row([name, ...cells, times.toFixed(2), allowed.toFixed(2), part.toFixed(2)])}${failures > 0 ? `  ${failures} FAILED` : ""}\n`,
  );
  if (failures > 0) process.exitCode = 1;
}

function row([name = "", ...cells]: readonly string[]): string {
  return `${name.padEnd(32)}${cells.map((cell) => cell.padStart(9)).join("")}`;
}
