/** Crashes are counted against `max_restarts` for this long. */
export const RESTART_WINDOW_MS = 60_000;

/** Milliseconds before the first restart, before jitter; each further one in a row waits twice as long. */
export const FIRST_DELAY_MS = 100;

/** Milliseconds no restart waits longer than. */
export const LONGEST_DELAY_MS = 10_000;

/** Milliseconds of being ready after which a worker's next crash counts as the first in a row again. */
export const STABLE_UPTIME_MS = 10_000;

export interface RestartHistory {
  /** When the worker crashed within the window, oldest first. */
  readonly crashedAt: readonly number[];
  /** Crashes since it was last stable. */
  readonly inARow: number;
}

export const NO_CRASHES: RestartHistory = { crashedAt: [], inARow: 0 };

export type RestartDecision =
  | { readonly restart: true; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly restart: false; readonly history: RestartHistory };

export interface Crash {
  readonly now: number;
  /** Milliseconds the worker had been ready; 0 if it never was. */
  readonly readyForMs: number;
  readonly maxRestarts: number;
  /** From 0 to 1, for jitter. */
  readonly random: number;
}

/**
 * Whether a worker that crashed is started again, and after how long: exponential backoff with jitter between a half and the whole,
 * at most `maxRestarts` in the window.
 */
export function decideRestart(before: RestartHistory, crash: Crash): RestartDecision {
  const crashedAt = [...before.crashedAt.filter((at) => crash.now - at < RESTART_WINDOW_MS), crash.now];
  const inARow = crash.readyForMs >= STABLE_UPTIME_MS ? 1 : before.inARow + 1;
  const history = { crashedAt, inARow };
  if (crashedAt.length > crash.maxRestarts) return { restart: false, history };
  const wholeMs = Math.min(FIRST_DELAY_MS * 2 ** (inARow - 1), LONGEST_DELAY_MS);
  return { restart: true, delayMs: wholeMs * (0.5 + crash.random / 2), history };
}
