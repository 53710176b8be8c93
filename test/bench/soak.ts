import { Agent } from "node:http";
import { parseArgs } from "node:util";
import { type Footprint, leaks, takeFootprint } from "../chaos/footprint.ts";
import { startWatchedDaemon, type WatchedDaemon } from "../chaos/watched-daemon.ts";
import { ECHO, fixture } from "../fixtures/daemon-in-process.ts";
import { callInTurn, TIMEOUT_MS } from "./soak/mix.ts";
import { Resident } from "./soak/resident.ts";
import { Stalls } from "./soak/stalls.ts";

const KILL_EVERY_MS = 5_000;
const SAMPLE_EVERY_MS = 1_000;
const PRINT_EVERY_MS = 10_000;
const CALLERS = 16;

/** Requests of each caller before anything is counted, all of the same kind at once. */
const WARM_UP_TURNS = 100;

/** The part of the run in which caches fill and heaps find their size; memory is judged on the rest. */
const WARM_UP = 0.2;

/**
 * Mebibytes by which a process may have grown over the judged part, by the median of its slopes. In a run of ten minutes that is 1 MiB a
 * minute: 30 bytes a request at 500 requests a second, so one object kept of every request would be seen.
 */
const MAX_GROWTH_MIB = 8;
const MAX_GROWTH_BYTES = MAX_GROWTH_MIB * 1_048_576;

/** Milliseconds for connections to be gone after their last answer. */
const LINGER_MS = 2_000;

/** Milliseconds for a stopped worker to be found and replaced, and all else to be as it was. */
const SETTLE_DOWN_MS = 15_000;

/**
 * Mixed load for `--minutes 10` with a worker killed or stopped every 5 s. Nothing may be lost (soak/mix.ts says what that is), the daemon's
 * count of what it settled must be the callers', what it holds afterwards what it held before, and its memory and that of a worker that is
 * left alone flat. Exit code 1 otherwise.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { minutes: { type: "string", default: "10" } } });
  await using daemon = await startWatchedDaemon(soakModels());
  await new Soak(daemon, Number(values.minutes)).run();
}

function soakModels(): string {
  const common = `timeout_ms = ${TIMEOUT_MS}\nhealth_interval_ms = 500\nmax_restarts = 1000000\nenv = { SOAK = "{FOLDER}" }\n`;
  return (
    `[models.echo]\nclass = "${ECHO}"\nworkers = 2\nmax_batch = 4\n${common}` +
    `[models.demand]\nclass = "${fixture("misbehaving.py", "OnDemand")}"\nworkers = 2\n${common}` +
    `[models.steady]\nclass = "${ECHO}"\nmax_batch = 4\n${common}`
  );
}

class Soak {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly outcomes = new Map<string, number>();
  private readonly lost: string[] = [];
  private readonly stalls = new Stalls();
  private excused = 0;
  private kills = 0;
  private sent = 0;
  private startedAt = 0;

  constructor(
    private readonly daemon: WatchedDaemon,
    private readonly minutes: number,
  ) {}

  async run(): Promise<void> {
    const { daemon } = this;
    await this.allReady();
    await this.warmUp();
    this.agent.destroy();
    await pause(LINGER_MS);
    const before = await takeFootprint(daemon);
    const resident = [new Resident("daemon", daemon.pid), new Resident("the kept worker", await this.keptWorker())];
    this.startedAt = performance.now();
    const timers = [
      setInterval(() => void this.killOne(), KILL_EVERY_MS),
      setInterval(() => resident.map((process) => process.sample(this.minute())), SAMPLE_EVERY_MS),
      setInterval(() => this.print(resident), PRINT_EVERY_MS),
    ];
    await Promise.all(Array.from({ length: CALLERS }, (_, caller) => this.callUntilEnd(caller)));
    for (const timer of timers) clearInterval(timer);
    this.stalls.stop();
    await this.allReady();
    const after = await this.whenAsBefore(before);
    const problems = [
      ...this.lost,
      ...(await this.miscounted()),
      ...leaks(before, after, MAX_GROWTH_BYTES),
      ...resident.flatMap((process) => this.growth(process)),
    ];
    const code = await daemon.stop();
    if (code !== 0) problems.push(`the daemon ended with ${code}`);
    this.conclude(problems, after.bytes - before.bytes);
  }

  /**
   * Has every path run before what is held is counted, and every kind of request with as many of its own as can meet: what an allocator once
   * needed it keeps, and when four large bodies happen to meet in one call for the first time is chance, not a leak.
   */
  private async warmUp(): Promise<void> {
    for (let turn = 0; turn < WARM_UP_TURNS; turn++)
      await Promise.all(Array.from({ length: CALLERS }, () => this.turn(turn)));
  }

  private minute(): number {
    return (performance.now() - this.startedAt) / 60_000;
  }

  private async callUntilEnd(caller: number): Promise<void> {
    for (let turn = caller; this.minute() < this.minutes; turn++) await this.turn(turn);
  }

  private async turn(turn: number): Promise<void> {
    this.sent++;
    const { agent, stalls } = this;
    const { outcome, lost, isExcused } = await callInTurn({ url: this.daemon.url, turn, agent, stalls });
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    if (isExcused) this.excused++;
    if (lost === undefined) return;
    this.lost.push(`lost after ${this.minute().toFixed(2)} minutes: ${lost}`);
    write(this.lost.at(-1) ?? "");
  }

  private async killOne(): Promise<void> {
    const { models } = await this.daemon.state();
    const pids = models
      .filter(({ name }) => name !== "steady")
      .flatMap(({ workers }) => workers.flatMap(({ pid, state }) => (state === "ready" && pid !== null ? [pid] : [])));
    const pid = pids[Math.floor(Math.random() * pids.length)];
    if (pid === undefined) return;
    process.kill(pid, Math.random() < 0.7 ? "SIGKILL" : "SIGSTOP");
    this.kills++;
  }

  private async keptWorker(): Promise<number> {
    const steady = (await this.daemon.state()).models.find(({ name }) => name === "steady");
    return steady?.workers[0]?.pid ?? 0;
  }

  private print(resident: readonly Resident[]): void {
    const counts = [...this.outcomes].sort((a, b) => b[1] - a[1]).map(([outcome, count]) => `${outcome} ${count}`);
    const memory = resident.map(({ name, latest }) => `${name} ${latest.toFixed(0)} MiB`);
    process.stdout.write(
      `${this.minute().toFixed(1).padStart(5)} min  ${this.kills} kills  ${this.lost.length} lost  ${memory.join(", ")}  ${counts.join(", ")}\n`,
    );
  }

  private async allReady(): Promise<void> {
    for (;;) {
      const { models } = await this.daemon.state();
      if (models.every(({ workers }) => workers.every(({ state }) => state === "ready"))) return;
      await pause(50);
    }
  }

  /** What the daemon holds once the last answer is out and the last stopped worker found and replaced, or when there was time for that. */
  private async whenAsBefore(before: Footprint): Promise<Footprint> {
    this.agent.destroy();
    const giveUpAt = performance.now() + SETTLE_DOWN_MS;
    for (;;) {
      await pause(LINGER_MS);
      const after = await takeFootprint(this.daemon);
      if (leaks(before, after, MAX_GROWTH_BYTES).length === 0 || performance.now() > giveUpAt) return after;
    }
  }

  /** Every request was settled once and as its caller saw it; of a caller that left, the daemon knows how and the caller does not. */
  private async miscounted(): Promise<readonly string[]> {
    const counted = await this.daemon.settled();
    const left = this.outcomes.get("left") ?? 0;
    let surplus = 0;
    const wrong: string[] = [];
    for (const code of new Set([...counted.keys(), ...this.outcomes.keys()])) {
      if (code === "left") continue;
      const difference = (counted.get(code) ?? 0) - (this.outcomes.get(code) ?? 0);
      surplus += difference;
      if (difference < 0) wrong.push(`callers saw ${code} ${-difference} times more than the daemon counted`);
    }
    if (surplus > left) wrong.push(`the daemon settled ${surplus - left} requests more than it was sent`);
    return wrong;
  }

  private growth(process: Resident): readonly string[] {
    const perMinute = process.slope(this.minutes * WARM_UP);
    const grown = perMinute * this.minutes * (1 - WARM_UP);
    const text = `${process.name}: ${process.latest.toFixed(0)} MiB resident, ${perMinute.toFixed(2)} MiB a minute`;
    const isFlat = grown <= MAX_GROWTH_MIB;
    write(`${text} over the last ${(1 - WARM_UP) * 100} % of the run: ${isFlat ? "flat" : "NOT FLAT"}`);
    return isFlat ? [] : [`${text}: more than ${MAX_GROWTH_MIB} MiB over the judged part`];
  }

  private conclude(problems: readonly string[], growthBytes: number): void {
    for (const [outcome, count] of [...this.outcomes].sort((a, b) => b[1] - a[1]))
      write(`${outcome.padEnd(24)} ${count}`);
    write(`${this.sent} requests, ${this.kills} workers killed or stopped, ${this.lost.length} lost`);
    write(`${this.excused} answers late by no more than this process itself was held up by what else the machine does`);
    write(`live after a full collection: ${(growthBytes / 1_048_576).toFixed(2)} MiB more than before the load`);
    for (const problem of problems) write(problem);
    write(problems.length === 0 ? "soak: all well" : `soak: ${problems.length} problems`);
    if (problems.length > 0) process.exitCode = 1;
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
