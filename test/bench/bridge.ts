import { parseArgs } from "node:util";
import {
  type Contender,
  FASTAPI,
  GATEHOUSE,
  GATEHOUSE_BYTES,
  LITSERVE,
  MOSEC,
  RAW,
  type Server,
} from "./load/contenders.ts";
import { type LoadResult, load } from "./load/http-load.ts";

const MEGABYTE = 1_000_000;
const CHUNKS = 200;

interface Scenario {
  readonly name: string;
  readonly connections: number;
  readonly bytes: number;
  readonly stream?: boolean;
  readonly show: (result: LoadResult) => number;
  readonly unit: string;
}

const perSecond = (result: LoadResult) => result.perSecond;

const SCENARIOS: readonly Scenario[] = [
  { name: "echo 83 B, 1 connection, p50", connections: 1, bytes: 83, show: ({ p50Ms }) => p50Ms, unit: "ms" },
  { name: "echo 83 B, 32 connections", connections: 32, bytes: 83, show: perSecond, unit: "/s" },
  { name: "echo 83 B, 256 connections", connections: 256, bytes: 83, show: perSecond, unit: "/s" },
  { name: "echo 1 MB, 4 connections", connections: 4, bytes: MEGABYTE, show: perSecond, unit: "/s" },
  { name: "echo 16 MB, 4 connections", connections: 4, bytes: 16 * MEGABYTE, show: perSecond, unit: "/s" },
  {
    name: "streams of 200 chunks, 8 connections",
    connections: 8,
    bytes: 83,
    stream: true,
    show: ({ perSecond: streams }) => streams * CHUNKS,
    unit: "chunks/s",
  },
];

const CONTENDERS: readonly Contender[] = [RAW, GATEHOUSE, GATEHOUSE_BYTES, FASTAPI, MOSEC, LITSERVE];

/** Echo through each of them, one after the other, `--rounds` times; the medians as a table, and beside them the raw bridge's part. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
      only: { type: "string", default: "" },
      scenario: { type: "string", default: "" },
    },
  });
  const contenders = CONTENDERS.filter(({ name }) => name.includes(values.only));
  const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.scenario));
  const samples = new Map<string, number[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const contender of contenders) {
      const server = await contender.start();
      const before = server.residentBytes();
      for (const scenario of scenarios) {
        if (scenario.stream && !contender.streams) continue;
        const result = await measure(server, scenario, Number(values.seconds) * 1_000);
        const key = `${scenario.name}|${contender.name}`;
        samples.set(key, [...(samples.get(key) ?? []), scenario.show(result)]);
        if (result.failures > 0)
          process.stdout.write(`${contender.name}: ${result.failures} failures in ${scenario.name}\n`);
      }
      const grownMb = (server.residentBytes() - before) / MEGABYTE;
      process.stdout.write(`round ${round + 1}: ${contender.name} (grown by ${grownMb.toFixed(0)} MB)\n`);
      await server.stop();
    }
  }
  for (const scenario of scenarios) printScenario(scenario, contenders, samples);
}

function measure(server: Server, scenario: Scenario, durationMs: number): Promise<LoadResult> {
  // A JSON string, so that every contender may parse it.
  const body = Buffer.alloc(scenario.bytes, "x");
  body[0] = body[body.length - 1] = 0x22;
  const headers = scenario.stream ? { ...server.headers, accept: "text/event-stream" } : server.headers;
  const path = scenario.stream ? server.streamPath : server.echoPath;
  return load({
    port: server.port,
    path,
    body,
    headers,
    connections: scenario.connections,
    warmUpMs: 1_000,
    durationMs,
  });
}

function printScenario(
  scenario: Scenario,
  contenders: readonly Contender[],
  samples: ReadonlyMap<string, readonly number[]>,
): void {
  process.stdout.write(`\n${scenario.name}\n`);
  const raw = median(samples.get(`${scenario.name}|${RAW.name}`) ?? []);
  for (const { name } of contenders) {
    const value = median(samples.get(`${scenario.name}|${name}`) ?? []);
    if (Number.isNaN(value)) continue;
    const shown = value < 10 ? value.toFixed(3) : value.toFixed(0);
    process.stdout.write(
      `  ${name.padEnd(26)} ${shown.padStart(9)} ${scenario.unit.padEnd(9)} ${(value / raw).toFixed(2)} x raw\n`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
