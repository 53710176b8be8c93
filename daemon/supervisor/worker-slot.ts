import type { Clock, Timer } from "../clock.ts";
import { WorkerError, type WorkerErrorCode } from "../errors.ts";
import type { Ready } from "../wire/messages.ts";
import type { OutputLine } from "./output-line.ts";
import { decideRestart, NO_CRASHES, type RestartHistory } from "./restart-policy.ts";
import type { LaunchWorker, ReadyPort, WorkerEnd, WorkerLife } from "./worker-life.ts";
import type { WorkerSettings } from "./worker-settings.ts";

/** Characters of the sentence that says why a worker ended. */
const MAX_REASON_CHARACTERS = 300;

export type WorkerState = "starting" | "loading" | "ready" | "draining" | "failed";

export interface WorkerStatus {
  readonly index: number;
  readonly state: WorkerState;
  readonly pid: number | null;
  /** Times it was started again after a crash. */
  readonly restarts: number;
  /** Why it last ended, or failed and what then to do. */
  readonly reason: string | null;
  /** The kind of that reason. */
  readonly reasonCode: WorkerErrorCode | null;
  /** What the one that ended wrote to stderr last. */
  readonly lastLines: readonly string[];
  /** Requests it owes an end. */
  readonly inFlight: number;
}

export interface SlotListener {
  onPortReady(port: ReadyPort, ready: Ready): void;
  /** Nothing more is to be sent to it. */
  onPortGone(port: ReadyPort): void;
  onChanged(): void;
  onLine(slot: WorkerSlot, line: OutputLine): void;
  onCrashed(slot: WorkerSlot, end: WorkerEnd): void;
}

export interface SlotOptions {
  readonly settings: WorkerSettings;
  readonly index: number;
  readonly launch: LaunchWorker;
  readonly clock: Clock;
  readonly random: () => number;
  readonly listener: SlotListener;
}

/** A life and what the slot knows of it. */
interface Tenant {
  readonly life: WorkerLife;
  state: WorkerState;
  port: ReadyPort | undefined;
  unwell: WorkerError | undefined;
}

interface Replacement {
  readonly tenant: Tenant;
  readonly resolve: () => void;
  readonly reject: (reason: WorkerError) => void;
}

/**
 * The place of one worker of a model: starts it, starts it again when it crashes, swaps it for a fresh one on reload, and gives up
 * when the restart policy says so.
 */
export class WorkerSlot {
  private tenant: Tenant | undefined;
  private replacement: Replacement | undefined;
  private readonly leaving = new Set<Tenant>();
  private history: RestartHistory = NO_CRASHES;
  private restartTimer: Timer | undefined;
  private restarts = 0;
  private reason: WorkerError | undefined;
  private lastLines: readonly string[] = [];
  private failed = false;
  private wasEverReady = false;
  private stopped: (() => void) | undefined;

  constructor(private readonly options: SlotOptions) {}

  get index(): number {
    return this.options.index;
  }

  get state(): WorkerState {
    if (this.stopped !== undefined) return "draining";
    if (this.failed) return "failed";
    return this.tenant?.state ?? this.replacement?.tenant.state ?? "starting";
  }

  get status(): WorkerStatus {
    return {
      index: this.index,
      state: this.state,
      pid: this.tenant?.life.pid ?? null,
      restarts: this.restarts,
      reason: this.reason?.message ?? null,
      reasonCode: this.reason?.code ?? null,
      lastLines: this.lastLines,
      inFlight: this.tenant?.port?.inFlight ?? 0,
    };
  }

  start(): void {
    this.tenant = this.launch();
    this.options.listener.onChanged();
  }

  /**
   * Starts a fresh worker beside the one there is, and when it is ready lets the old one finish and leave. A slot that had failed
   * simply starts again. Rejects with the fresh worker's WorkerError; then the old one goes on.
   */
  replace(): Promise<void> {
    if (this.stopped !== undefined) return Promise.reject(stopping());
    this.restartTimer?.cancel();
    this.restartTimer = undefined;
    this.history = NO_CRASHES;
    this.failed = false;
    return new Promise((resolve, reject) => {
      this.replacement = { tenant: this.launch(), resolve, reject };
      this.options.listener.onChanged();
    });
  }

  /** Lets its workers finish and leave, without starting others. Resolves when none is left. */
  stop(): Promise<void> {
    this.restartTimer?.cancel();
    this.replacement?.reject(stopping());
    const tenants = this.tenants();
    return new Promise((resolve) => {
      this.stopped = resolve;
      for (const tenant of tenants) tenant.life.drain();
      this.options.listener.onChanged();
      this.resolveIfEmpty();
    });
  }

  /** Ends at once what is left of its workers. */
  kill(graceMs: number): void {
    for (const tenant of this.tenants()) tenant.life.kill(stopping(), graceMs);
  }

  private tenants(): readonly Tenant[] {
    return [this.tenant, this.replacement?.tenant, ...this.leaving].filter((tenant) => tenant !== undefined);
  }

  private launch(): Tenant {
    const { settings, index, launch, listener } = this.options;
    const tenant: Tenant = {
      state: "starting",
      port: undefined,
      unwell: undefined,
      life: launch(settings, index, {
        onLoading: () => {
          tenant.state = "loading";
          listener.onChanged();
        },
        onReady: (port, ready) => this.onReady(tenant, port, ready),
        onUnhealthy: (reason) => this.onUnhealthy(tenant, reason),
        onLine: (line) => listener.onLine(this, line),
        onEnded: (end) => this.onEnded(tenant, end),
      }),
    };
    return tenant;
  }

  private onReady(tenant: Tenant, port: ReadyPort, ready: Ready): void {
    tenant.port = port;
    tenant.state = "ready";
    this.wasEverReady = true;
    this.failed = false;
    this.reason = undefined;
    this.lastLines = [];
    this.options.listener.onPortReady(port, ready);
    if (this.replacement?.tenant === tenant) this.swapIn(this.replacement);
    this.options.listener.onChanged();
  }

  private swapIn(replacement: Replacement): void {
    const old = this.tenant;
    this.tenant = replacement.tenant;
    this.replacement = undefined;
    if (old !== undefined) this.letGo(old);
    replacement.resolve();
  }

  private onUnhealthy(tenant: Tenant, reason: WorkerError): void {
    tenant.unwell = reason;
    this.retire(tenant);
  }

  private letGo(tenant: Tenant): void {
    this.leaving.add(tenant);
    this.retire(tenant);
  }

  private retire(tenant: Tenant): void {
    tenant.state = "draining";
    this.closePort(tenant);
    tenant.life.drain();
    this.options.listener.onChanged();
  }

  private closePort(tenant: Tenant): void {
    if (tenant.port === undefined) return;
    const { port } = tenant;
    tenant.port = undefined;
    this.options.listener.onPortGone(port);
  }

  private onEnded(tenant: Tenant, end: WorkerEnd): void {
    this.closePort(tenant);
    if (this.stopped !== undefined) {
      this.forget(tenant);
      this.resolveIfEmpty();
    } else if (this.leaving.has(tenant)) {
      this.leaving.delete(tenant);
      this.reportCrash(end, end.reason);
    } else if (this.replacement?.tenant === tenant) {
      this.onReplacementEnded(this.replacement, end);
    } else {
      const cause = tenant.unwell ?? end.reason ?? new WorkerError("EXITED", "The worker left without being told to.");
      this.tenant = undefined;
      this.reportCrash(end, cause);
      if (this.replacement === undefined) this.recover(cause, end);
    }
    this.options.listener.onChanged();
  }

  private onReplacementEnded(replacement: Replacement, end: WorkerEnd): void {
    const reason = inOneSentence(end.reason ?? stopping());
    this.replacement = undefined;
    this.reportCrash(end, end.reason);
    replacement.reject(reason);
    // The old one crashed meanwhile: nobody is left, as after any crash.
    if (this.tenant === undefined) this.recover(reason, end);
  }

  /** Also of one that is being replaced: whoever reads the log wants to know of each. */
  private reportCrash(end: WorkerEnd, reason: WorkerError | undefined): void {
    if (reason !== undefined) this.options.listener.onCrashed(this, { ...end, reason: inOneSentence(reason) });
  }

  private recover(cause: WorkerError, end: WorkerEnd): void {
    const reason = inOneSentence(cause);
    this.reason = reason;
    this.lastLines = end.stderrTail;
    if (isFinal(cause, this.wasEverReady)) {
      this.fail(reason);
      return;
    }
    const { clock, random, settings } = this.options;
    const { readyForMs } = end;
    const decision = decideRestart(this.history, {
      now: clock.now(),
      readyForMs,
      // What the machine has run out of is not the model's doing.
      maxRestarts: cause.code === "SPAWN_BUSY" ? Number.POSITIVE_INFINITY : settings.maxRestarts,
      random: random(),
    });
    this.history = decision.history;
    if (!decision.restart) {
      this.fail(
        new WorkerError(
          "CRASHED_TOO_OFTEN",
          `It crashed more often than max_restarts (${settings.maxRestarts}) allows; the last time: ${reason.message}`,
          { cause: reason },
        ),
      );
      return;
    }
    this.restartTimer = clock.after(decision.delayMs, () => {
      this.restarts++;
      this.start();
    });
  }

  private fail(reason: WorkerError): void {
    this.failed = true;
    const { name } = this.options.settings;
    const what = /[.!?…]$/.test(reason.message) ? reason.message : `${reason.message}.`;
    this.reason = new WorkerError(
      reason.code,
      `${what} It is not started again: mend it, then POST /admin/models/${name}/reload or restart the daemon.`,
      { cause: reason },
    );
  }

  private forget(tenant: Tenant): void {
    this.leaving.delete(tenant);
    if (this.tenant === tenant) this.tenant = undefined;
    if (this.replacement?.tenant === tenant) this.replacement = undefined;
  }

  private resolveIfEmpty(): void {
    if (this.tenants().length === 0) this.stopped?.();
  }
}

/** A class that cannot be loaded, or a worker of another version, does not get better by starting it again. */
function isFinal(reason: WorkerError, wasEverReady: boolean): boolean {
  if (reason.code === "PROTOCOL_VERSION" || reason.code === "SPAWN_FAILED") return true;
  return !wasEverReady && (reason.code === "LOAD_FAILED" || reason.code === "LOAD_TIMEOUT");
}

/** The rest of a long message, such as an exception that quotes a body, is among the worker's last lines. */
function inOneSentence(reason: WorkerError): WorkerError {
  const [first = ""] = reason.message.split("\n", 1);
  if (first.length === reason.message.length && first.length <= MAX_REASON_CHARACTERS) return reason;
  const cut = first.length > MAX_REASON_CHARACTERS ? `${first.slice(0, MAX_REASON_CHARACTERS)}…` : first;
  return new WorkerError(reason.code, cut, { cause: reason });
}

function stopping(): WorkerError {
  return new WorkerError("STOPPED", "The daemon is stopping.");
}
