import type { Outcome } from "../bridge/in-flight.ts";
import type { Scheduler } from "../bridge/scheduler.ts";
import type { ModelInterface, ModelStatus } from "../supervisor/supervisor.ts";

/** One model as the handlers see it. */
export interface ServedModel {
  readonly name: string;
  /** Seconds since the epoch: when the daemon began to serve it. */
  readonly createdAt: number;
  readonly timeoutMs: number;
  readonly streamTimeoutMs: number;
  /** Milliseconds a reader may take nothing. */
  readonly stallMs: number;
  readonly scheduler: Scheduler;
  /** Counts a request for it that its scheduler never took. */
  readonly countRefused: (outcome: Outcome) => void;
  readonly status: () => ModelStatus;
  readonly interface: () => ModelInterface | undefined;
  /** Rolling; rejects with the WorkerError of a fresh worker that did not get ready. `requestId` says who asked for it. */
  readonly reload: (requestId: string) => Promise<void>;
}

export type ServedModels = ReadonlyMap<string, ServedModel>;
