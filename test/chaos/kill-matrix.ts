import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AdminState, type DaemonInProcess, fixture, startDaemonInProcess } from "../fixtures/daemon-in-process.ts";

export const FAULTS = [
  "SIGKILL",
  "SIGSTOP",
  "exit 0",
  "exit 137",
  "hang in Python",
  "hang in C",
  "closed socket",
  "closed stdin",
  "half a frame",
  "garbage",
  "flood",
  "memory hog",
] as const;
export type Fault = (typeof FAULTS)[number];

export const MOMENTS = ["idle", "loading", "queued", "running", "batch", "stream", "draining", "reloading"] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Cell {
  readonly fault: Fault;
  readonly moment: Moment;
}

export interface CellReport extends Cell {
  /** How each request ended, and after how many milliseconds. */
  readonly settled: readonly { readonly status: number; readonly ms: number }[];
  /** Milliseconds from the fault to a 200 from the model; undefined when the daemon was stopped. */
  readonly backMs: number | undefined;
  /** What should have held and did not. */
  readonly problems: readonly string[];
}

/** A call's own bound, and so the time in which a caller must have an answer, with a second more. */
const TIMEOUT_MS = 1_000;
const SETTLE_MS = TIMEOUT_MS + 1_000;

/** Time a fault may take to be noticed: a call's bound and the grace; a ping and the grace; then a restart on a busy machine. */
const BACK_MS = 15_000;

const LOAD_MS = 200;

/** What the watching thread of the model is told; undefined: a signal from outside. */
const ORDERS: Readonly<Record<Fault, object | undefined>> = {
  SIGKILL: undefined,
  SIGSTOP: undefined,
  "exit 0": { do: "exit", code: 0 },
  "exit 137": { do: "exit", code: 137 },
  "hang in Python": { do: "spin" },
  "hang in C": { do: "hang_in_c", seconds: 60 },
  "closed socket": { do: "close_socket" },
  "closed stdin": { do: "close_stdin" },
  "half a frame": { do: "half_a_frame" },
  garbage: { do: "garbage" },
  flood: { do: "flood" },
  "memory hog": { do: "memory", limit_mib: 512 },
};

/** Faults that a worker survives when they meet no request. */
const HARMLESS: readonly Fault[] = ["hang in Python", "memory hog"];

/** Cells side by side: some of them keep a core busy. */
const SIDE_BY_SIDE = 5;

/** Runs the cells, a few at a time. */
export async function runCells(cells: readonly Cell[]): Promise<readonly CellReport[]> {
  const reports: CellReport[] = [];
  for (let at = 0; at < cells.length; at += SIDE_BY_SIDE)
    reports.push(...(await runSideBySide(cells.slice(at, at + SIDE_BY_SIDE))));
  return reports;
}

/** Each cell on a model of its own; those that stop the daemon on one of their own. */
async function runSideBySide(cells: readonly Cell[]): Promise<readonly CellReport[]> {
  const stopping = cells.filter(({ moment }) => moment === "draining");
  const others = cells.filter(({ moment }) => moment !== "draining");
  const alone = stopping.map((cell) => inDaemon([cell]));
  return [...(await inDaemon(others)), ...(await Promise.all(alone)).flat()];
}

async function inDaemon(cells: readonly Cell[]): Promise<readonly CellReport[]> {
  if (cells.length === 0) return [];
  const daemon = await startDaemonInProcess(cells.map((cell, index) => modelToml(cell, `m${index}`)).join(""));
  try {
    mkdirSync(join(daemon.folder, "orders"));
    await daemon.ready();
    const reports = await Promise.all(cells.map((cell, index) => new Run(daemon, `m${index}`, cell).report()));
    return cells[0]?.moment === "draining" ? reports : await withLeftovers(daemon, reports);
  } finally {
    await daemon[Symbol.asyncDispose]();
  }
}

function modelToml({ moment }: Cell, name: string): string {
  return `
    [models.${name}]
    class = "${fixture("chaos.py", "Chaos")}"
    env = { CHAOS_ORDERS = "{FOLDER}/orders", CHAOS_LOAD_MS = "${LOAD_MS}" }
    timeout_ms = ${TIMEOUT_MS}
    load_timeout_ms = 8000
    health_interval_ms = 200
    max_restarts = 20
    max_batch = ${moment === "batch" ? 4 : 1}
    max_wait_ms = ${moment === "batch" ? 20 : 0}
  `;
}

/** Every request was counted once, none is held, and no byte of a body is kept. */
async function withLeftovers(daemon: DaemonInProcess, reports: readonly CellReport[]): Promise<readonly CellReport[]> {
  const { bufferedBytes, models } = await daemon.state();
  return reports.map((report, index) => {
    const model = models[index];
    const problems = [...report.problems];
    if (bufferedBytes !== 0) problems.push(`${bufferedBytes} bytes of bodies are still held`);
    if (model?.unsettled !== 0) problems.push(`${model?.unsettled} requests are still unsettled`);
    return { ...report, problems };
  });
}

/** One cell: its requests, its fault, and what must hold afterwards. */
class Run {
  private readonly problems: string[] = [];
  private readonly requests: Promise<{ status: number; ms: number }>[] = [];

  constructor(
    private readonly daemon: DaemonInProcess,
    private readonly model: string,
    private readonly cell: Cell,
  ) {}

  async report(): Promise<CellReport> {
    const { fault, moment } = this.cell;
    await this.arrange();
    const pid = await this.pid();
    const brokenAt = performance.now();
    this.break(pid);
    const stopped = moment === "draining" ? this.daemon.daemon.stop(SETTLE_MS) : undefined;
    const settled = await Promise.all(this.requests);
    for (const { status, ms } of settled) {
      if (ms > SETTLE_MS) this.problems.push(`a request was answered ${status} after ${ms.toFixed(0)} ms`);
      if (![200, 500, 502, 503, 504].includes(status)) this.problems.push(`a request was answered ${status}`);
    }
    await stopped;
    // Nobody answers for a broken worker: what counts is the next one's answer.
    if (!HARMLESS.includes(fault) || stopped !== undefined) await this.gone(pid);
    const backMs = stopped === undefined ? await this.back(brokenAt) : undefined;
    return { ...this.cell, settled, backMs, problems: this.problems };
  }

  /** Brings the model to the cell's moment. */
  private async arrange(): Promise<void> {
    const { fault, moment } = this.cell;
    // A fault that only a request can meet is the request's own doing; the others come from the watching thread.
    const hang = HARMLESS.includes(fault) ? { ...ORDERS[fault] } : { do: "sleep", ms: TIMEOUT_MS / 2 };
    switch (moment) {
      case "idle":
        return;
      case "loading": {
        const first = await this.pid();
        process.kill(first, "SIGKILL");
        await this.worker(({ pid, state }) => pid !== null && pid !== first && state === "loading");
        return;
      }
      case "stream":
        this.request(
          { events: 100, gap_ms: 10, ...(HARMLESS.includes(fault) ? { events: 3, ...ORDERS[fault] } : {}) },
          true,
        );
        break;
      case "batch":
        for (let i = 0; i < 4; i++) this.request(hang, false);
        break;
      case "queued":
        for (let i = 0; i < 4; i++) this.request(hang, false);
        this.request({ events: 3 }, true);
        break;
      case "running":
      case "draining":
        this.request(hang, false);
        break;
      case "reloading":
        this.request(hang, false);
        void fetch(`${this.daemon.url}/admin/models/${this.model}/reload`, { method: "POST" }).catch(() => undefined);
        break;
    }
    await this.worker(({ inFlight }) => inFlight > 0);
  }

  private request(body: object, stream: boolean): void {
    const startedAt = performance.now();
    const headers: Record<string, string> = stream ? { accept: "text/event-stream" } : {};
    const settle = async () => {
      const response = await this.daemon.infer(this.model, body, { headers, signal: AbortSignal.timeout(20_000) });
      // A stream that was cut inside an event ends without its end.
      await response.text().catch(() => undefined);
      return { status: response.status, ms: performance.now() - startedAt };
    };
    this.requests.push(settle().catch(() => ({ status: 0, ms: performance.now() - startedAt })));
  }

  private break(pid: number): void {
    const { fault } = this.cell;
    const orders = ORDERS[fault];
    if (orders === undefined) {
      process.kill(pid, fault as NodeJS.Signals);
      return;
    }
    const path = join(this.daemon.folder, "orders", String(pid));
    writeFileSync(`${path}.new`, JSON.stringify(orders));
    renameSync(`${path}.new`, path);
  }

  /** Milliseconds until the model answers 200 again. */
  private async back(since: number): Promise<number> {
    const giveUpAt = performance.now() + BACK_MS;
    while (performance.now() < giveUpAt) {
      const { status } = await this.daemon.infer(this.model, 1).catch(() => ({ status: 0 }));
      if (status === 200 && (await this.isSettledDown())) return performance.now() - since;
      await pause(20);
    }
    const { state, reason } = await this.status();
    this.problems.push(`not back after ${BACK_MS} ms: ${state}, ${reason}`);
    return Number.POSITIVE_INFINITY;
  }

  /** A stopped worker may answer nothing and yet be taken for ready: wait until the one that was broken is gone, or has proved well. */
  private async isSettledDown(): Promise<boolean> {
    const { state, workers } = await this.status();
    return state === "ready" && workers.every((worker) => worker.state === "ready");
  }

  private async gone(pid: number): Promise<void> {
    const giveUpAt = performance.now() + BACK_MS;
    while (isAlive(pid)) {
      if (performance.now() > giveUpAt) {
        this.problems.push(`process ${pid} is still there`);
        return;
      }
      await pause(20);
    }
  }

  private async pid(): Promise<number> {
    const { pid } = await this.worker((worker) => worker.pid !== null);
    return pid ?? 0;
  }

  private async worker(holds: (worker: Worker) => boolean): Promise<Worker> {
    for (;;) {
      const worker = (await this.status()).workers[0];
      if (worker !== undefined && holds(worker)) return worker;
      await pause(5);
    }
  }

  private async status(): Promise<AdminState["models"][number]> {
    const { models } = await this.daemon.state();
    const model = models.find(({ name }) => name === this.model);
    if (model === undefined) throw new Error(`there is no model ${this.model}`);
    return model;
  }
}

type Worker = AdminState["models"][number]["workers"][number];

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
