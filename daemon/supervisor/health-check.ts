import type { Clock, Timer } from "../clock.ts";
import { WorkerError } from "../errors.ts";
import type { ConnectionActivity } from "../transport/uds-connection.ts";

/** Milliseconds an idle worker may take for a pong, and a call beyond its model's `timeout_ms`: PROTOCOL.md section 6. */
export const GRACE_MS = 2_000;

/** Milliseconds a worker has to leave once it was told to drain and owes nothing, and to exit once it has closed its connection. */
export const LEAVE_MS = 5_000;

/** Milliseconds between two looks at a worker, at most: dues are 2 s or more away when they arise, so no look comes late. */
const LOOK_MS = 500;

/**
 * Milliseconds between the look that finds a worker unresponsive and the one that decides. Timers run before sockets are read: when this process
 * was stopped or busy itself, the worker's answer may be there and only not read yet.
 */
const SECOND_LOOK_MS = 50;

export interface HealthLimits {
  readonly timeoutMs: number;
  readonly maxWaitMs: number;
  readonly healthIntervalMs: number;
}

export type HealthVerdict =
  | { readonly kind: "well" }
  | { readonly kind: "probe" }
  | { readonly kind: "unresponsive"; readonly error: WorkerError };

export interface HealthLook {
  readonly now: number;
  readonly activity: ConnectionActivity;
  /** When the last ping went out. */
  readonly pingedAt: number;
}

/**
 * What a look at a worker says. A busy worker is killed only when a call must have outlived `timeoutMs` + GRACE_MS: when it has sent nothing
 * for that long, has not ended a stream that long after its cancel, or owes the same end for twice as long (one call to wait for, then its own).
 */
export function judgeHealth(look: HealthLook, limits: HealthLimits): HealthVerdict {
  const { now, activity, pingedAt } = look;
  const callBoundMs = limits.timeoutMs + GRACE_MS;
  if (activity.busy) {
    const silentMs = now - Math.max(activity.lastReceivedAt, activity.busySince);
    if (silentMs >= callBoundMs) return unresponsive(`has sent nothing for ${Math.round(silentMs)} ms during a call`);
    const cancelledMs = activity.oldestCancelAt === undefined ? 0 : now - activity.oldestCancelAt;
    if (cancelledMs >= callBoundMs)
      return unresponsive(`has not ended a stream that was cancelled ${Math.round(cancelledMs)} ms ago`);
    const owedMs = activity.oldestMoveAt === undefined ? 0 : now - activity.oldestMoveAt;
    if (owedMs >= 2 * callBoundMs + limits.maxWaitMs)
      return unresponsive(`owes an answer for ${Math.round(owedMs)} ms`);
    const isQuiet = silentMs >= Math.min(limits.timeoutMs, limits.healthIntervalMs);
    return isQuiet && activity.pingsPending === 0 ? { kind: "probe" } : { kind: "well" };
  }
  if (activity.drainSentAt !== undefined && now - Math.max(activity.busySince, activity.drainSentAt) >= LEAVE_MS)
    return unresponsive("did not leave when it was told to");
  if (activity.pingsPending > 0) {
    const waitedMs = now - Math.max(pingedAt, activity.busySince);
    return waitedMs >= GRACE_MS
      ? unresponsive(`has not answered a ping for ${Math.round(waitedMs)} ms`)
      : { kind: "well" };
  }
  return now - pingedAt >= limits.healthIntervalMs ? { kind: "probe" } : { kind: "well" };
}

function unresponsive(what: string): HealthVerdict {
  return { kind: "unresponsive", error: new WorkerError("UNRESPONSIVE", `The worker ${what}.`) };
}

/** What the check needs of a connection. */
export interface Pingable {
  readonly activity: ConnectionActivity;
  ping(): void;
  /** Asks for `check_health`, if the worker is idle. */
  check(): void;
}

export interface HealthCheckOptions {
  readonly connection: Pingable;
  readonly limits: HealthLimits;
  /** Whether the model has `check_health`. */
  readonly hasCheck: boolean;
  readonly clock: Clock;
  readonly onUnresponsive: (error: WorkerError) => void;
}

/** Looks at a ready worker until stopped. */
export class HealthCheck {
  private timer: Timer;
  private pingedAt: number;

  constructor(private readonly options: HealthCheckOptions) {
    this.pingedAt = options.clock.now();
    this.timer = this.schedule();
  }

  stop(): void {
    this.timer.cancel();
  }

  private schedule(): Timer {
    const { clock, limits } = this.options;
    return clock.after(Math.min(LOOK_MS, limits.healthIntervalMs), () => this.look(false));
  }

  private look(isSecond: boolean): void {
    const { connection, limits, hasCheck, clock, onUnresponsive } = this.options;
    const now = clock.now();
    const verdict = judgeHealth({ now, activity: connection.activity, pingedAt: this.pingedAt }, limits);
    if (verdict.kind === "unresponsive") {
      if (isSecond) onUnresponsive(verdict.error);
      else this.timer = clock.after(SECOND_LOOK_MS, () => this.look(true));
      return;
    }
    if (verdict.kind === "probe") {
      this.pingedAt = now;
      connection.ping();
      if (hasCheck) connection.check();
    }
    this.timer = this.schedule();
  }
}
