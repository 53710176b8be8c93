import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type AdminState, ECHO, fixture } from "../fixtures/daemon-in-process.ts";
import { freePort } from "../fixtures/free-port.ts";
import { startProgram } from "../fixtures/program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const KILL_EVERY_MS = 5_000;
const SAMPLE_EVERY_MS = 5_000;
const CALLERS = 16;

/** Milliseconds after which a caller without an answer counts as lost: the models' timeout, and a second. */
const LOST_MS = 3_000;

/** The same for a stream whose worker is stopped in the middle: a first chunk in time, a gap, and a second. */
const LOST_STREAM_MS = 5_000;

const MEGABYTE = 1_048_576;

/** Mixed load for `--minutes 10` with a worker killed every 5 s: nothing may be lost, and the daemon's memory must stay flat. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { minutes: { type: "string", default: "10" } } });
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-soak-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const config = join(folder, "models.toml");
  writeFileSync(config, soakConfig(new URL(url).host));
  const program = startProgram(
    process.execPath,
    ["--import", "tsx", join(root, "daemon/main.ts"), "--config", config],
    { cwd: root },
  );
  await waitUntilReady(url);
  const endsAt = performance.now() + Number(values.minutes) * 60_000;
  const outcomes = new Map<string, number>();
  const resident: number[] = [];
  let kills = 0;
  const timers = [
    setInterval(() => void killOne(url).then((killed) => (kills += killed)), KILL_EVERY_MS),
    setInterval(() => resident.push(residentBytes(program.child.pid ?? 0)), SAMPLE_EVERY_MS),
  ];
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => callUntil(endsAt, url, index, outcomes)));
  for (const timer of timers) clearInterval(timer);
  await waitUntilReady(url);
  const state = await adminState(url);
  const code = await program.stop();
  rmSync(folder, { recursive: true });
  print({ outcomes, resident, kills, state, code });
}

function soakConfig(host: string): string {
  const common = "timeout_ms = 2000\nhealth_interval_ms = 500\nmax_restarts = 1000000\n";
  return (
    `[daemon]\nlisten = "${host}"\n[auth]\nmode = "none"\n` +
    `[models.echo]\nclass = "${ECHO}"\nworkers = 2\nmax_batch = 4\n${common}` +
    `[models.demand]\nclass = "${fixture("misbehaving.py", "OnDemand")}"\nworkers = 2\n${common}`
  );
}

async function callUntil(endsAt: number, url: string, caller: number, outcomes: Map<string, number>): Promise<void> {
  for (let turn = caller; performance.now() < endsAt; turn++) {
    const outcome = await call(url, turn);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
}

/** One request of the mix, and how it ended. */
async function call(url: string, turn: number): Promise<string> {
  const kind = turn % 10;
  const model = kind < 6 ? "echo" : "demand";
  const body = JSON.stringify(
    kind === 5 ? "x".repeat(MEGABYTE) : kind < 5 ? { turn } : { do: "sleep", ms: 5, events: 20 },
  );
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (kind === 7) headers.accept = "text/event-stream";
  if (kind === 8) headers["x-request-timeout-ms"] = "3";
  const leavesAfterMs = kind === 9 ? 2 : undefined;
  const signal = AbortSignal.timeout(leavesAfterMs ?? (kind === 7 ? LOST_STREAM_MS : LOST_MS));
  try {
    const response = await fetch(`${url}/v1/infer/${model}`, { method: "POST", body, headers, signal });
    const text = await response.text();
    if (response.status === 200 && kind <= 5 && text !== body) return "200 with another body";
    return text.includes("event: error") ? "stream ended with an error event" : String(response.status);
  } catch (error) {
    if (leavesAfterMs !== undefined) return "left";
    return signal.aborted ? `LOST (${model}, kind ${kind})` : `broken off (${(error as Error).message})`;
  }
}

async function killOne(url: string): Promise<number> {
  const { models } = await adminState(url);
  const pids = models.flatMap(({ workers }) =>
    workers.flatMap(({ pid, state }) => (state === "ready" && pid !== null ? [pid] : [])),
  );
  const pid = pids[Math.floor(Math.random() * pids.length)];
  if (pid === undefined) return 0;
  process.kill(pid, Math.random() < 0.7 ? "SIGKILL" : "SIGSTOP");
  return 1;
}

interface Summary {
  readonly outcomes: ReadonlyMap<string, number>;
  readonly resident: readonly number[];
  readonly kills: number;
  readonly state: AdminState;
  readonly code: number | null;
}

function print({ outcomes, resident, kills, state, code }: Summary): void {
  for (const [outcome, count] of [...outcomes].sort((a, b) => b[1] - a[1]))
    process.stdout.write(`${outcome.padEnd(44)} ${count}\n`);
  const half = Math.ceil(resident.length / 2);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1) / MEGABYTE;
  const [first, second] = [mean(resident.slice(0, half)), mean(resident.slice(half))];
  const unsettled = state.models.reduce((sum, model) => sum + model.unsettled, 0);
  process.stdout.write(
    `${kills} workers killed or stopped; ${unsettled} requests unsettled and ${state.bufferedBytes} bytes held at the end; exit ${code}\n`,
  );
  process.stdout.write(
    `resident memory: ${first.toFixed(0)} MiB in the first half, ${second.toFixed(0)} MiB in the second\n`,
  );
  const isLost =
    [...outcomes.keys()].some((outcome) => outcome.startsWith("LOST")) ||
    outcomes.has("200 with another body") ||
    unsettled > 0 ||
    state.bufferedBytes > 0;
  if (isLost || second > first * 1.2) process.exitCode = 1;
}

async function adminState(url: string): Promise<AdminState> {
  return (await (await fetch(`${url}/admin/state`)).json()) as AdminState;
}

async function waitUntilReady(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    await response?.text();
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) * 1_024;
}
