import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideRestart,
  FIRST_DELAY_MS,
  LONGEST_DELAY_MS,
  NO_CRASHES,
  RESTART_WINDOW_MS,
  type RestartHistory,
  STABLE_UPTIME_MS,
} from "../../../daemon/supervisor/restart-policy.ts";

/** Delays of crashes that follow one another, each `readyForMs` after its start; undefined: given up. */
function crashes(
  count: number,
  options: { readyForMs?: number; maxRestarts?: number; random?: number } = {},
): (number | undefined)[] {
  const { readyForMs = 0, maxRestarts = 5, random = 1 } = options;
  let history: RestartHistory = NO_CRASHES;
  let now = 0;
  return Array.from({ length: count }, () => {
    now += readyForMs;
    const decision = decideRestart(history, { now, readyForMs, maxRestarts, random });
    history = decision.history;
    if (!decision.restart) return undefined;
    now += decision.delayMs;
    return decision.delayMs;
  });
}

describe("decideRestart", () => {
  it("waits twice as long each time, up to a limit", () => {
    const delays = crashes(10, { maxRestarts: 100 });
    expect(delays.slice(0, 4)).toEqual([FIRST_DELAY_MS, 2 * FIRST_DELAY_MS, 4 * FIRST_DELAY_MS, 8 * FIRST_DELAY_MS]);
    expect(delays.at(-1)).toBe(LONGEST_DELAY_MS);
  });

  it("spreads restarts over half of the delay", () => {
    expect(crashes(1, { random: 0 })).toEqual([FIRST_DELAY_MS / 2]);
  });

  it("gives up after max_restarts within the window", () => {
    expect(crashes(7, { maxRestarts: 5 }).map((delay) => delay !== undefined)).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(crashes(1, { maxRestarts: 0 })).toEqual([undefined]);
  });

  it("begins again with the first delay after a stable uptime", () => {
    expect(crashes(3, { readyForMs: STABLE_UPTIME_MS, maxRestarts: 100 })).toEqual([
      FIRST_DELAY_MS,
      FIRST_DELAY_MS,
      FIRST_DELAY_MS,
    ]);
  });

  it("never gives up on a worker that crashes less often than the budget allows", () => {
    expect(crashes(100, { readyForMs: RESTART_WINDOW_MS / 5, maxRestarts: 5 })).not.toContain(undefined);
  });

  it("keeps no more crashes than fall into the window", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (gaps) => {
        let history: RestartHistory = NO_CRASHES;
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          history = decideRestart(history, { now, readyForMs: gap, maxRestarts: 1_000, random: 0.5 }).history;
          expect(history.crashedAt.every((at) => now - at < RESTART_WINDOW_MS)).toBe(true);
        }
      }),
    );
  });
});
