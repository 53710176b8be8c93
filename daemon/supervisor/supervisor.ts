import type { Clock } from "../clock.ts";
import type { WorkerErrorCode } from "../errors.ts";
import type { Ready, TensorDeclaration } from "../wire/messages.ts";
import type { OutputLine } from "./output-line.ts";
import type { LaunchWorker, ReadyPort, WorkerEnd } from "./worker-life.ts";
import type { WorkerSettings } from "./worker-settings.ts";
import { WorkerSlot, type WorkerState, type WorkerStatus } from "./worker-slot.ts";

export type ModelState = WorkerState;

export interface ModelStatus {
  readonly name: string;
  readonly state: ModelState;
  readonly required: boolean;
  /** Why it is not ready, and what to do if it has failed. */
  readonly reason: string | null;
  /** The kind of that reason. */
  readonly reasonCode: WorkerErrorCode | null;
  readonly workers: readonly WorkerStatus[];
}

/** What a model's workers said of it when they were ready. */
export interface ModelInterface {
  readonly methods: readonly string[];
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
}

export interface SupervisorListener {
  onPortReady(port: ReadyPort): void;
  onPortGone(port: ReadyPort): void;
  /** The model's state changed, or that of one of its workers. */
  onChanged(status: ModelStatus): void;
  onLine(worker: WorkerStatus, line: OutputLine): void;
  onCrashed(worker: WorkerStatus, end: WorkerEnd): void;
}

export interface SupervisorOptions {
  readonly settings: WorkerSettings;
  readonly launch: LaunchWorker;
  readonly clock: Clock;
  readonly random: () => number;
  readonly listener: SupervisorListener;
}

/** Keeps one model's workers running. */
export class Supervisor {
  private readonly slots: readonly WorkerSlot[];
  private declared: ModelInterface | undefined;
  private stopping = false;
  private reloading: Promise<void> = Promise.resolve();
  private nextReload: Promise<void> | undefined;

  constructor(private readonly options: SupervisorOptions) {
    const { settings, launch, clock, random, listener } = options;
    this.slots = Array.from(
      { length: settings.workers },
      (_, index) =>
        new WorkerSlot({
          settings,
          index,
          launch,
          clock,
          random,
          listener: {
            onPortReady: (port, ready) => this.onPortReady(port, ready),
            onPortGone: (port) => listener.onPortGone(port),
            onChanged: () => listener.onChanged(this.status),
            onLine: (slot, line) => listener.onLine(slot.status, line),
            onCrashed: (slot, end) => listener.onCrashed(slot.status, end),
          },
        }),
    );
  }

  get status(): ModelStatus {
    const { name, required } = this.options.settings;
    const workers = this.slots.map((slot) => slot.status);
    const state = this.stopping ? "draining" : combine(workers);
    const unwell = state === "ready" ? undefined : workers.find((worker) => worker.reason !== null);
    return { name, state, required, reason: unwell?.reason ?? null, reasonCode: unwell?.reasonCode ?? null, workers };
  }

  /** Undefined until the first worker was ready. */
  get interface(): ModelInterface | undefined {
    return this.declared;
  }

  start(): void {
    for (const slot of this.slots) slot.start();
  }

  /**
   * Replaces the workers by fresh ones, one after the other, without losing a request. Rejects with the WorkerError of the first fresh one
   * that did not get ready; it and those after it stay as they were. While one reload runs, all further calls share the next.
   */
  reload(): Promise<void> {
    this.nextReload ??= this.reloading.then(() => {
      this.nextReload = undefined;
      return this.replaceAll();
    });
    this.reloading = this.nextReload.catch(() => undefined);
    return this.nextReload;
  }

  /** Lets the workers finish what they have and leave; resolves when none is left. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.slots.map((slot) => slot.stop()));
  }

  /** Ends the workers that are left: SIGTERM, `graceMs`, SIGKILL. */
  kill(graceMs: number): void {
    for (const slot of this.slots) slot.kill(graceMs);
  }

  private async replaceAll(): Promise<void> {
    for (const slot of this.slots) await slot.replace();
  }

  private onPortReady(port: ReadyPort, ready: Ready): void {
    const { methods, inputs, outputs } = ready;
    this.declared = { methods, inputs, outputs };
    this.options.listener.onPortReady(port);
  }
}

/** A model is as well as the best of its workers. */
function combine(workers: readonly WorkerStatus[]): ModelState {
  const states: readonly ModelState[] = ["ready", "draining", "loading", "starting"];
  return states.find((state) => workers.some((worker) => worker.state === state)) ?? "failed";
}
