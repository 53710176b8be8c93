import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExclusiveTurns } from "../../../../src/db/drivers/exclusive-turns.ts";

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
    const refused = expect(turns.take(100)).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      retryAfterSeconds: 1,
    });
    const patient = turns.take(200);
    await vi.advanceTimersByTimeAsync(100);
    await refused;
    end();
    (await patient)();
  });
});
