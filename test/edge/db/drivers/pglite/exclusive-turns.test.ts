import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExclusiveTurns } from "../../../../../src/db/drivers/pglite/exclusive-turns.ts";

describe("ExclusiveTurns", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("lets one in at a time, in the order they came", async () => {
    const turns = new ExclusiveTurns();
    const order: string[] = [];
    const endFirst = await turns.take();
    const others = ["second", "third"].map(async (name) => {
      const end = await turns.take();
      order.push(name);
      end();
      end();
    });
    expect(order).toEqual([]);
    endFirst();
    await Promise.all(others);
    expect(order).toEqual(["second", "third"]);
    (await turns.take())();
  });

  it("refuses whoever waited too long, and forgets them", async () => {
    const turns = new ExclusiveTurns();
    const end = await turns.take();
    const refused = expect(turns.take({ timeoutMs: 100 })).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      retryAfterSeconds: 1,
    });
    const patient = turns.take({ timeoutMs: 200 });
    await vi.advanceTimersByTimeAsync(100);
    await refused;
    end();
    (await patient)();
  });

  it("lets those who go first in before all others, in the order they came", async () => {
    const turns = new ExclusiveTurns();
    const order: string[] = [];
    const end = await turns.take();
    const all = [
      ["other", false],
      ["owner", true],
      ["owner again", true],
    ] as const;
    const waiting = all.map(async ([name, first]) => {
      const endTurn = await turns.take({ first });
      order.push(name);
      endTurn();
    });
    end();
    await Promise.all(waiting);
    expect(order).toEqual(["owner", "owner again", "other"]);
  });

  it("asks a holder to end its turn once somebody has waited for the patience they have, and not before", async () => {
    const turns = new ExclusiveTurns(1_000);
    const revoke = vi.fn();
    const end = await turns.take({ revoke });
    await vi.advanceTimersByTimeAsync(60_000);
    const next = turns.take({ revoke: () => expect.unreachable("nobody waits for it") });
    await vi.advanceTimersByTimeAsync(999);
    expect(revoke).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(revoke).toHaveBeenCalledOnce();
    end();
    const endNext = await next;
    await vi.advanceTimersByTimeAsync(60_000);
    endNext();
  });

  it("measures the patience with each holder anew", async () => {
    const turns = new ExclusiveTurns(1_000);
    const revoke = vi.fn();
    const endFirst = await turns.take();
    const second = turns.take({ revoke });
    const third = turns.take();
    await vi.advanceTimersByTimeAsync(900);
    endFirst();
    await vi.advanceTimersByTimeAsync(999);
    expect(revoke).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(revoke).toHaveBeenCalledOnce();
    (await second)();
    (await third)();
  });

  it("forgets whoever leaves while waiting", async () => {
    const turns = new ExclusiveTurns();
    const leaving = new AbortController();
    const end = await turns.take();
    const gone = expect(turns.take({ signal: leaving.signal })).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    const next = turns.take();
    leaving.abort();
    await gone;
    end();
    (await next)();
  });
});
