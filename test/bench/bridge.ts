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

/** Seconds of load that let a server's code get compiled before anything is counted. */
const WARM_UP_SECONDS = 3;

/**
 * Echo through each of them: in every round and scenario one short slice after the other, so that whatever else the machine does meets all
 * alike. `--rounds`, `--seconds` of a slice, `--only` and `--scenario` as parts of names. The medians of the rounds, and the median of each
 * round's part of the raw bridge.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "2" },
      only: { type: "string", default: "" },
      scenario: { type: "string", default: "" },
    },
  });
  const contenders = CONTENDERS.filter((contender) => contender === RAW || contender.name.includes(values.only));
  const servers: { readonly contender: Contender; readonly server: Server }[] = [];
  for (const contender of contenders) servers.push({ contender, server: await contender.start() });
  for (const { server } of servers) await warmUp(server);
  for (const scenario of SCENARIOS.filter(({ name }) => name.includes(values.scenario))) {
    const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const { contender, server } of servers) {
        if (scenario.stream && !contender.streams) continue;
        const result = await measure(server, scenario, Number(values.seconds) * 1_000);
        samples.get(contender.name)?.push(scenario.show(result));
        if (result.failures > 0)
          process.stdout.write(`${contender.name}: ${result.failures} failures in ${scenario.name}\n`);
      }
    }
    printScenario(scenario, samples);
  }
  for (const { contender, server } of servers) {
    process.stdout.write(
      `${contender.name}: ${(server.residentBytes() / MEGABYTE).toFixed(0)} MB resident at the end\n`,
    );
    await server.stop();
  }
}

async function warmUp({ port, echoPath, headers }: Server): Promise<void> {
  const body = Buffer.from('"warm"');
  await load({
    port,
    path: echoPath,
    body,
    headers,
    connections: 32,
    warmUpMs: 0,
    durationMs: WARM_UP_SECONDS * 1_000,
  });
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
    warmUpMs: 100,
    durationMs,
  });
}

function printScenario(scenario: Scenario, samples: ReadonlyMap<string, readonly number[]>): void {
  process.stdout.write(`\n${scenario.name}\n`);
  const raw = samples.get(RAW.name) ?? [];
  for (const [name, values] of samples) {
    if (values.length === 0) continue;
    const value = median(values);
    const part = median(values.map((own, round) => own / (raw[round] ?? Number.NaN)));
    const shown = value < 10 ? value.toFixed(3) : value.toFixed(0);
    process.stdout.write(
      `  ${name.padEnd(26)} ${shown.padStart(9)} ${scenario.unit.padEnd(9)} ${part.toFixed(2)} x raw\n`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
