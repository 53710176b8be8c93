import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createBoundedQueue } from "../../../src/password/bounded-queue.ts";

describe("the queue", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("lets as many in as there are places, and the next in order as they leave", async () => {
    const queue = createBoundedQueue({ places: 2, maxWaiting: 4, maxWaitMs: 2000 });
    const [leaveFirst, leaveSecond] = [await queue.enter(undefined), await queue.enter(undefined)];
    const order: string[] = [];
    const third = queue.enter(undefined).then(() => order.push("third"));
    const fourth = queue.enter(undefined).then(() => order.push("fourth"));
    expect(order).toEqual([]);
    leaveFirst();
    await third;
    expect(order).toEqual(["third"]);
    leaveSecond();
    await fourth;
    expect(order).toEqual(["third", "fourth"]);
  });

  it("turns away who comes when too many wait, and says when to try again", async () => {
    const queue = createBoundedQueue({ places: 1, maxWaiting: 1, maxWaitMs: 2000 });
    const leave = await queue.enter(undefined);
    const waiting = queue.enter(undefined);
    await expect(queue.enter(undefined)).rejects.toMatchObject({ code: "HASHER_BUSY", retryAfterSeconds: 2 });
    leave();
    await expect(waiting).resolves.toBeTypeOf("function");
  });

  it("turns away who waited too long, and serves the ones behind", async () => {
    const queue = createBoundedQueue({ places: 1, maxWaiting: 8, maxWaitMs: 2000 });
    const leave = await queue.enter(undefined);
    const early = expect(queue.enter(undefined)).rejects.toMatchObject({ code: "HASHER_BUSY" });
    await vi.advanceTimersByTimeAsync(1500);
    const late = queue.enter(undefined);
    await vi.advanceTimersByTimeAsync(500);
    await early;
    leave();
    await expect(late).resolves.toBeTypeOf("function");
  });

  it("frees the place of a caller who leaves while waiting", async () => {
    const queue = createBoundedQueue({ places: 1, maxWaiting: 1, maxWaitMs: 2000 });
    const leave = await queue.enter(undefined);
    const caller = new AbortController();
    const abandoned = expect(queue.enter(caller.signal)).rejects.toThrow("gone");
    caller.abort(new Error("gone"));
    await abandoned;
    const next = queue.enter(undefined);
    leave();
    await expect(next).resolves.toBeTypeOf("function");
  });

  it("does not let in a caller who has left already", async () => {
    const queue = createBoundedQueue({ places: 1, maxWaiting: 1, maxWaitMs: 2000 });
    await expect(queue.enter(AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    await expect(queue.enter(undefined)).resolves.toBeTypeOf("function");
  });

  it("counts a place once, however often it is left", async () => {
    const queue = createBoundedQueue({ places: 1, maxWaiting: 1, maxWaitMs: 2000 });
    const leave = await queue.enter(undefined);
    leave();
    leave();
    await queue.enter(undefined);
    const waiting = expect(queue.enter(undefined)).rejects.toMatchObject({ code: "HASHER_BUSY" });
    await vi.advanceTimersByTimeAsync(2000);
    await waiting;
  });

  it("closes when the last one inside has left, and turns everybody else away", async () => {
    const queue = createBoundedQueue({ places: 1, maxWaiting: 4, maxWaitMs: 2000 });
    const leave = await queue.enter(undefined);
    const waiting = expect(queue.enter(undefined)).rejects.toMatchObject({ code: "HASHER_BUSY" });
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await waiting;
    await expect(queue.enter(undefined)).rejects.toMatchObject({ code: "HASHER_BUSY" });
    expect(closed).toBe(false);
    leave();
    await closing;
    expect(closed).toBe(true);
  });
});
