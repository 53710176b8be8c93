import type { WorkerError } from "../errors.ts";
import type { UdsConnection } from "../transport/uds-connection.ts";
import type { Ready } from "../wire/messages.ts";
import type { OutputLine } from "./output-line.ts";
import type { WorkerSettings } from "./worker-settings.ts";

/** A ready worker's connection as the scheduler uses it. */
export type ReadyPort = Pick<
  UdsConnection,
  "id" | "capacity" | "inFlight" | "writable" | "isCalling" | "send" | "cancel" | "grant" | "onWritable"
>;

export interface WorkerEnd {
  /** Why it ended; undefined when it left as it was told to. */
  readonly reason: WorkerError | undefined;
  readonly wasReady: boolean;
  /** Milliseconds from its being ready to its end; 0 if it never was. */
  readonly readyForMs: number;
  /** The last lines it wrote to stderr. */
  readonly stderrTail: readonly string[];
}

export interface WorkerLifeListener {
  /** It answered on its socket and loads its model. */
  onLoading(): void;
  onReady(port: ReadyPort, ready: Ready): void;
  /** Its `check_health` raised. */
  onUnhealthy(reason: WorkerError): void;
  onLine(line: OutputLine): void;
  /** Nothing comes after this. */
  onEnded(end: WorkerEnd): void;
}

/** One worker from its launch to its end, which it always has. */
export interface WorkerLife {
  readonly pid: number | undefined;
  /** Lets it finish what it has and leave; one that is not ready yet is killed. */
  drain(): void;
  /** Ends it: SIGTERM and `graceMs` (0: SIGKILL at once). */
  kill(reason: WorkerError, graceMs?: number): void;
}

/** Starts a worker of a model; `index` from 0 says which of its workers. Never throws: what goes wrong is its end. */
export type LaunchWorker = (settings: WorkerSettings, index: number, listener: WorkerLifeListener) => WorkerLife;
