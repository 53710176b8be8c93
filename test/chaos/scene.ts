import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AdminState } from "../fixtures/daemon-in-process.ts";
import { fixture } from "../fixtures/daemon-in-process.ts";
import { call, type Settlement } from "./caller.ts";
import { type Cell, HARMLESS, ORDERS } from "./cells.ts";
import { workersOf } from "./footprint.ts";
import type { WatchedDaemon } from "./watched-daemon.ts";

/** A call's own bound. */
export const TIMEOUT_MS = 1_000;

/** What a model may take to load, and so the time after which a worker that is stuck in it is gone. */
export const LOAD_TIMEOUT_MS = 8_000;

const LOAD_MS = 200;

/** Requests that a batch takes. */
const BATCH = 4;

/** Milliseconds after which a caller gives up: far beyond what anything may take. */
const PATIENCE_MS = 30_000;

/** A body that would be missed if it stayed. */
const MEGABYTE = "x".repeat(1_048_576);

/** The one model of a cell's daemon, as models.toml says it. */
export function modelToml({ moment }: Cell): string {
  return `
    [models.m]
    class = "${fixture("chaos.py", "Chaos")}"
    env = { CHAOS_ORDERS = "{FOLDER}/orders", CHAOS_LOAD_MS = "${LOAD_MS}" }
    timeout_ms = ${TIMEOUT_MS}
    load_timeout_ms = ${LOAD_TIMEOUT_MS}
    health_interval_ms = 200
    max_restarts = 20
    max_batch = ${moment === "batch" ? BATCH : 1}
    max_wait_ms = ${moment === "batch" ? 20 : 0}
  `;
}

/** What happens in a cell: its requests, and its fault at its moment. */
export class Scene {
  readonly requests: Promise<Settlement>[] = [];
  /** Every request of this run by how it ended, those before and after the cell included. */
  readonly codes = new Map<string, number>();
  /** The status of the answer to a reload. */
  reloading: Promise<number> | undefined;
  private lastPid = 0;
  /** Requests without an answer. */
  private open = 0;

  constructor(
    private readonly daemon: WatchedDaemon,
    private readonly cell: Cell,
  ) {}

  /** Brings the model to the cell's moment. */
  async arrange(): Promise<void> {
    switch (this.cell.moment) {
      case "idle":
        return;
      case "loading": {
        const first = await this.pid();
        this.request(this.longBody());
        this.request(this.longBody());
        await this.begun();
        // Until the fault is there: on a busy machine a load as short as ours could be over before it is seen.
        writeFileSync(this.hold, "");
        process.kill(first, "SIGKILL");
        await this.worker(({ pid, state }) => pid !== null && pid !== first && state === "loading");
        return;
      }
      case "stream":
        await this.openStream();
        if (this.cell.kind === "unary") this.request(this.longBody());
        return;
      case "batch":
        for (let i = 0; i < BATCH; i++) this.request(this.longBody());
        await this.begun(BATCH);
        return;
      case "queued":
        for (let i = 0; i < 4; i++) this.request(this.longBody());
        break;
      case "reloading":
        this.request(this.longBody());
        await this.begun();
        this.reloading = this.reload();
        return;
      case "replacing":
        this.request(this.innocentBody());
        await this.begun();
        // Until the fault is there.
        writeFileSync(this.hold, "");
        this.reloading = this.reload();
        return;
      case "running":
      case "draining":
        this.request(this.longBody());
        break;
    }
    await this.begun();
  }

  harmlessBody(stream = this.cell.kind === "stream"): object {
    return stream ? { events: 3, padding: MEGABYTE } : { padding: MEGABYTE };
  }

  /** Keeps the worker busy; with a fault that only a request can meet, commits it. */
  private longBody(stream = this.cell.kind === "stream"): object {
    const { fault } = this.cell;
    if (!HARMLESS.includes(fault)) return this.innocentBody(stream);
    return { padding: MEGABYTE, ...(stream && { events: 3 }), ...ORDERS[fault] };
  }

  private innocentBody(stream = this.cell.kind === "stream"): object {
    // Half the deadline either way, so that what waits for its end can be answered in time.
    const busy = stream ? { events: TIMEOUT_MS / 2 / 10, gap_ms: 10 } : { do: "sleep", ms: TIMEOUT_MS / 2 };
    return { padding: MEGABYTE, ...busy };
  }

  request(body: object): void {
    this.requests.push(this.send(body, this.cell.kind === "stream"));
  }

  /** Resolves when the stream has begun, or has ended without. */
  private openStream(): Promise<unknown> {
    return new Promise<unknown>((resolve) => {
      const ended = this.send(this.longBody(true), true, () => resolve(undefined));
      this.requests.push(ended);
      void ended.then(resolve);
    });
  }

  /** While it is there the model goes on loading. */
  private get hold(): string {
    return join(this.daemon.folder, "orders", "hold");
  }

  async send(body: unknown, stream: boolean, onBegun?: () => void): Promise<Settlement> {
    const { url } = this.daemon;
    this.open++;
    const settlement = await call({ url, model: "m", body, stream, patienceMs: PATIENCE_MS, onBegun });
    this.open--;
    this.codes.set(settlement.code, (this.codes.get(settlement.code) ?? 0) + 1);
    return settlement;
  }

  private async reload(): Promise<number> {
    const response = await fetch(`${this.daemon.url}/admin/models/m/reload`, {
      method: "POST",
      headers: { connection: "close" },
    });
    await response.text();
    return response.status;
  }

  drain(): { readonly begun: Promise<unknown>; readonly exitCode: Promise<number | null> } {
    return { exitCode: this.daemon.stop(), begun: this.daemon.logged(({ message }) => message === "daemon drains") };
  }

  /** Commits the fault; resolves with the number of the process that was broken. */
  async break(): Promise<number> {
    const { fault, moment } = this.cell;
    const pid = await this.victim(moment);
    const orders = ORDERS[fault];
    if (orders === undefined) {
      process.kill(pid, fault as NodeJS.Signals);
    } else {
      const path = join(this.daemon.folder, "orders", String(pid));
      writeFileSync(`${path}.new`, JSON.stringify(orders));
      renameSync(`${path}.new`, path);
    }
    rmSync(this.hold, { force: true });
    return pid;
  }

  private async victim(moment: Cell["moment"]): Promise<number> {
    if (moment === "draining") return this.lastPid;
    const served = await this.pid();
    if (moment !== "replacing") return served;
    for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt; await pause(5)) {
      const other = workersOf(this.daemon).find((pid) => pid !== served);
      if (other !== undefined) return other;
    }
    throw new Error("no worker is loaded to replace the one there is");
  }

  /** Resolves when the worker has so many requests; or had them all, on a machine too busy to see it in between. */
  private async begun(count = 1): Promise<void> {
    await this.worker(({ inFlight }) => inFlight >= count || this.open === 0);
  }

  async pid(): Promise<number> {
    const { pid } = await this.worker((worker) => worker.pid !== null);
    this.lastPid = pid ?? 0;
    return this.lastPid;
  }

  private async worker(holds: (worker: Worker) => boolean): Promise<Worker> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const worker = (await this.model()).workers[0];
      if (worker !== undefined && holds(worker)) {
        this.lastPid = worker.pid ?? 0;
        return worker;
      }
      if (performance.now() > giveUpAt) {
        const { fault, moment, kind } = this.cell;
        throw new Error(`${fault}, ${moment}, ${kind}: the worker stays as it is: ${JSON.stringify(worker)}`);
      }
      await pause(5);
    }
  }

  async model(): Promise<AdminState["models"][number]> {
    const [model] = (await this.daemon.state()).models;
    if (model === undefined) throw new Error("the daemon has no model");
    return model;
  }
}

type Worker = AdminState["models"][number]["workers"][number];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
