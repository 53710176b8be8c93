import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createHashTurns } from "../../../src/password/hash-turns.ts";

describe("turns in an isolate", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("come in the order of arrival", async () => {
    const turns = createHashTurns({ maxWaiting: 4, maxWaitMs: 2000 });
    const order: string[] = [];
    const all = ["first", "second", "third"].map((name) => turns.run(() => order.push(name), undefined));
    await vi.runAllTimersAsync();
    await Promise.all(all);
    expect(order).toEqual(["first", "second", "third"]);
  });

  it("are refused when too many wait", async () => {
    const turns = createHashTurns({ maxWaiting: 1, maxWaitMs: 2000 });
    const waiting = turns.run(() => "done", undefined);
    await expect(turns.run(() => "never", undefined)).rejects.toMatchObject({
      code: "HASHER_BUSY",
      retryAfterSeconds: 2,
    });
    await vi.runAllTimersAsync();
    await expect(waiting).resolves.toBe("done");
  });

  it("are refused to who waited too long behind others", async () => {
    const turns = createHashTurns({ maxWaiting: 4, maxWaitMs: 2000 });
    // A hash blocks the isolate, so its time passes at once.
    const slow = turns.run(() => vi.setSystemTime(Date.now() + 2001), undefined);
    const late = expect(turns.run(() => "never", undefined)).rejects.toMatchObject({ code: "HASHER_BUSY" });
    await vi.runAllTimersAsync();
    await slow;
    await late;
  });

  it("are not used by callers who have left", async () => {
    const turns = createHashTurns({ maxWaiting: 4, maxWaitMs: 2000 });
    const caller = new AbortController();
    const work = vi.fn();
    const abandoned = expect(turns.run(work, caller.signal)).rejects.toThrow("gone");
    caller.abort(new Error("gone"));
    await vi.runAllTimersAsync();
    await abandoned;
    await expect(turns.run(work, caller.signal)).rejects.toThrow("gone");
    expect(work).not.toHaveBeenCalled();
  });

  it("do not stay taken by requests the runtime cancelled, whose timers never come", async () => {
    const turns = createHashTurns({ maxWaiting: 1, maxWaitMs: 2000 });
    void turns.run(() => "cancelled", undefined);
    vi.clearAllTimers();
    await expect(turns.run(() => "early", undefined)).rejects.toMatchObject({ code: "HASHER_BUSY" });
    vi.setSystemTime(Date.now() + 2001);
    const next = turns.run(() => "done", undefined);
    await vi.runAllTimersAsync();
    await expect(next).resolves.toBe("done");
  });
});
