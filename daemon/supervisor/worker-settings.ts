/** What `[models.NAME]` says about a model's workers; times in milliseconds. */
export interface WorkerSettings {
  readonly name: string;
  /** `/absolute/file.py:Class` or `package.module:Class`. */
  readonly classSpec: string;
  readonly workers: number;
  readonly concurrency: number;
  readonly maxBatch: number;
  readonly maxWaitMs: number;
  readonly timeoutMs: number;
  readonly loadTimeoutMs: number;
  readonly healthIntervalMs: number;
  /** Restarts of one worker within RESTART_WINDOW_MS. */
  readonly maxRestarts: number;
  readonly required: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Shared out to the workers by turns, as CUDA_VISIBLE_DEVICES. */
  readonly devices: readonly string[];
}

/** Milliseconds for which requests that follow one another are handed on although the first of them may be in a call by now. */
const HAND_AHEAD_MS = 5;

/**
 * Milliseconds after which a request that a worker has is taken to be in a call that others have to wait for, and these wait in the daemon: from
 * there another worker may take them. A worker that makes several calls at once can always begin one more.
 */
export function callBeginsMs({ concurrency, maxBatch, maxWaitMs }: WorkerSettings): number {
  return concurrency === 1 && maxBatch > 1 ? maxWaitMs + HAND_AHEAD_MS : Number.POSITIVE_INFINITY;
}

/** What all workers have in common. */
export interface WorkerPlatform {
  /** The Python interpreter. */
  readonly python: string;
  /** Folders of modules, in order. */
  readonly pythonPath: readonly string[];
  /** The daemon's own environment; workers get the part of it that `workerEnvironment` lets through. */
  readonly env: NodeJS.ProcessEnv;
  readonly maxFrameBytes: number;
}
