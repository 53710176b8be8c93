import { readdirSync } from "node:fs";
import { join } from "node:path";
import { markedProcesses } from "../fixtures/marked-processes.ts";
import type { Settlement } from "./caller.ts";
import { type Cell, HARMLESS, type Moment, SUDDEN } from "./cells.ts";
import { type Footprint, leaks, startOf, takeFootprint } from "./footprint.ts";
import { LOAD_TIMEOUT_MS, modelToml, Scene, TIMEOUT_MS } from "./scene.ts";
import { startWatchedDaemon, type WatchedDaemon } from "./watched-daemon.ts";

export interface CellReport extends Cell {
  readonly settled: readonly Settlement[];
  /** Milliseconds from the fault to a 200 from the model; undefined when the daemon was stopped. */
  readonly backMs: number | undefined;
  /** Milliseconds from the daemon's notice that a worker is gone to the next one's process; undefined when none went. */
  readonly restartMs: number | undefined;
  /** Bytes that are live after the cell and were not before; undefined when the daemon was stopped. */
  readonly growthBytes: number | undefined;
  /** What should have held and did not. */
  readonly problems: readonly string[];
}

/** The time in which a caller must have an answer: its deadline, and a second more. */
const SETTLE_MS = TIMEOUT_MS + 1_000;

/** Any other broken worker is gone after a call's bound and its grace, or a ping's, of 2 s, and a look at it every 200 ms. */
const UNRESPONSIVE_MS = TIMEOUT_MS + 2_000 + 200;

/** For a busy machine. */
const SLACK_MS = 1_000;

/** What a dead worker owed is settled 250 ms after its exit; as much again for a busy machine. Whose deadline is over by then has it from that. */
const CRASH_MS = 500;

/** Readiness and the metrics follow within a second. */
const NOTICE_MS = 1_000;

/** Then comes the load, also of what was killed in the middle of it, on a busy machine. */
const BACK_MS = 15_000;

/** What the daemon may add to the load of the worker that follows a first crash. */
const RESTART_MS = 500;

/** Milliseconds for connections, timers and processes to go after the last answer: a refused upload lingers for one second. */
const SETTLE_DOWN_MS = 5_000;

/** Looks in that time, at least: on a busy machine a single one may take a second. */
const LEAST_LOOKS = 10;

/** Milliseconds from SIGTERM to the end: what is in flight, then a second for workers to leave, then what ends those that do not. */
const END_MS = SETTLE_MS + 2_500;

/** Moments in which the worker that is broken still loads. */
const LOADING: readonly Moment[] = ["loading", "replacing"];

/** Moments after whose fault one more request comes. */
const WITH_LATER_REQUEST: readonly Moment[] = ["idle", ...LOADING];

const CODES: readonly string[] = [
  "ok",
  "MODEL_ERROR",
  "WORKER_CRASHED",
  "DEADLINE_EXCEEDED",
  "MODEL_NOT_READY",
  "OVERLOADED",
  "DRAINING",
];

/** Runs one cell on a daemon of its own: brings a model to the cell's moment, breaks its worker, and looks at what must hold afterwards. */
export async function runCell(cell: Cell): Promise<CellReport> {
  const env = { DRAIN_TIMEOUT_MS: String(SETTLE_MS) };
  await using daemon = await startWatchedDaemon(modelToml(cell), env);
  return await new CellRun(daemon, cell).report();
}

class CellRun {
  private readonly problems: string[] = [];

  private readonly scene: Scene;

  constructor(
    private readonly daemon: WatchedDaemon,
    private readonly cell: Cell,
  ) {
    this.scene = new Scene(daemon, cell);
  }

  async report(): Promise<CellReport> {
    const before = await this.warmUp();
    await this.scene.arrange();
    const stopped = this.cell.moment === "draining" ? this.scene.drain() : undefined;
    await stopped?.begun;
    const brokenAt = performance.now();
    const pid = await this.scene.break();
    const brokenDate = Date.now();
    if (WITH_LATER_REQUEST.includes(this.cell.moment)) this.scene.request(this.scene.harmlessBody());
    const settled = await Promise.all(this.scene.requests);
    for (const settlement of settled) this.judge(settlement, brokenAt);
    const reloaded = await this.scene.reloading;
    if (reloaded !== undefined && (reloaded === 200) !== this.isReloaded())
      this.problems.push(`the reload was answered ${reloaded}`);
    if (stopped !== undefined) {
      await this.ended(stopped.exitCode);
      return {
        ...this.cell,
        settled,
        backMs: undefined,
        restartMs: undefined,
        growthBytes: undefined,
        problems: this.problems,
      };
    }
    const isBroken = !HARMLESS.includes(this.cell.fault);
    // Nobody answers for a broken worker: what counts is the next one's answer.
    if (isBroken) await this.gone(pid);
    const backMs = await this.back(brokenAt);
    const restartMs = isBroken ? await this.restart(brokenDate) : undefined;
    await this.counted();
    const growthBytes = await this.settledDown(before);
    return { ...this.cell, settled, backMs, restartMs, growthBytes, problems: this.problems };
  }

  /** Has every usual path run once, so that what comes after can be compared with what is there now. */
  private async warmUp(): Promise<Footprint> {
    await this.daemon.logged(({ message }) => message === "model is ready");
    for (const stream of [false, true]) await this.scene.send(this.scene.harmlessBody(stream), stream);
    await this.daemon.settled();
    return await takeFootprint(this.daemon);
  }

  private judge({ status, code, waitedMs, settledAt, flaw }: Settlement, brokenAt: number): void {
    const what = `a request was answered ${status} ${code}`;
    if (waitedMs > SETTLE_MS) this.problems.push(`${what} after ${waitedMs.toFixed(0)} ms`);
    const isLate = settledAt - brokenAt > CRASH_MS;
    if (code === "DEADLINE_EXCEEDED" && isLate && this.isOwedByTheDead())
      this.problems.push(`${what}, its worker being dead`);
    if (flaw !== undefined || !(this.cell.moment === "replacing" ? ["ok"] : CODES).includes(code))
      this.problems.push(`${what}${flaw === undefined ? "" : `: ${flaw}`}`);
  }

  /** Whether each request of the cell was with the worker when that ended suddenly. */
  private isOwedByTheDead(): boolean {
    const { fault, moment } = this.cell;
    return SUDDEN.includes(fault) && ["running", "batch", "draining", "reloading"].includes(moment);
  }

  /** A worker that breaks while it loads replaces nothing. */
  private isReloaded(): boolean {
    return this.cell.moment !== "replacing" || HARMLESS.includes(this.cell.fault);
  }

  /** Milliseconds until the model answers 200 again and its worker is one that is well. */
  private async back(since: number): Promise<number | undefined> {
    const giveUpAt = performance.now() + BACK_MS;
    while (performance.now() < giveUpAt) {
      const { status } = await this.scene.send(1, false);
      if (status === 200 && (await this.isSettledDown())) return performance.now() - since;
      await pause(20);
    }
    const { state, reason } = await this.scene.model();
    this.problems.push(`not back after ${BACK_MS} ms: ${state}, ${reason}`);
    return undefined;
  }

  /** A stopped worker may answer nothing and yet be taken for ready: only one that pongs, or its successor, is well. */
  private async isSettledDown(): Promise<boolean> {
    const { state, workers } = await this.scene.model();
    return state === "ready" && workers.every((worker) => worker.state === "ready");
  }

  /** How long the daemon waited before it started the worker that is there now: what it adds to its load. */
  private async restart(brokenAt: number): Promise<number | undefined> {
    const crash = this.daemon.log.findLast(({ message }) => /^worker (?:crashed|did not load)/.test(message));
    const startedAt = startOf(await this.scene.pid());
    if (crash === undefined || startedAt === undefined) return undefined;
    const noticeMs = Date.parse(crash.time) - brokenAt;
    if (SUDDEN.includes(this.cell.fault) && noticeMs > NOTICE_MS)
      this.problems.push(`the worker's end was noticed after ${noticeMs} ms`);
    const restartMs = Math.max(0, startedAt - Date.parse(crash.time));
    if (restartMs > RESTART_MS)
      this.problems.push(`the next worker was started ${restartMs.toFixed(0)} ms after the end of the last`);
    return restartMs;
  }

  private async gone(pid: number): Promise<void> {
    const boundMs = LOADING.includes(this.cell.moment) ? LOAD_TIMEOUT_MS : UNRESPONSIVE_MS;
    await this.within(
      boundMs + SLACK_MS,
      () => !markedProcesses(this.daemon.folder).includes(pid),
      `process ${pid} is still there`,
    );
  }

  private async ended(exitCode: Promise<number | null>): Promise<void> {
    const startedAt = performance.now();
    const code = await exitCode;
    const tookMs = performance.now() - startedAt;
    if (code !== 0) this.problems.push(`the daemon ended with ${code}`);
    if (tookMs > END_MS) this.problems.push(`the daemon took ${tookMs.toFixed(0)} ms to end`);
    const { folder } = this.daemon;
    await this.within(SETTLE_DOWN_MS, () => markedProcesses(folder).length === 0, "processes of workers are left");
    if (readdirSync(join(folder, "sockets")).length > 0) this.problems.push("the folder of its sockets is left");
  }

  /** The daemon's count of what became of each request, the refused ones too, is what the callers have seen. */
  private async counted(): Promise<void> {
    const counted = await this.daemon.settled();
    for (const code of new Set([...counted.keys(), ...this.scene.codes.keys()])) {
      const [ours, theirs] = [this.scene.codes.get(code) ?? 0, counted.get(code) ?? 0];
      if (ours !== theirs) this.problems.push(`callers saw ${code} ${ours} times, the daemon counted ${theirs}`);
    }
  }

  /** Bytes that became live, once the rest is as it was. */
  private async settledDown(before: Footprint): Promise<number> {
    const giveUpAt = performance.now() + SETTLE_DOWN_MS;
    for (let look = 1; ; look++) {
      const after = await takeFootprint(this.daemon);
      const found = leaks(before, after);
      if (found.length === 0) return after.bytes - before.bytes;
      if (look >= LEAST_LOOKS && performance.now() > giveUpAt) {
        this.problems.push(...found);
        return after.bytes - before.bytes;
      }
      await pause(100);
    }
  }

  private async within(ms: number, holds: () => boolean, problem: string): Promise<void> {
    const giveUpAt = performance.now() + ms;
    while (!holds()) {
      if (performance.now() > giveUpAt) {
        this.problems.push(problem);
        return;
      }
      await pause(20);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
