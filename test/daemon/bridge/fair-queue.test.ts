import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue } from "../../../daemon/bridge/fair-queue.ts";

interface Item {
  readonly caller: string;
  readonly n: number;
}

const numbers = (items: readonly Item[]) => items.map(({ n }) => n);

function filled(...callers: readonly string[]): { queue: FairQueue<Item>; items: Item[] } {
  const queue = new FairQueue<Item>();
  const items = callers.map((caller, n) => ({ caller, n }));
  for (const item of items) queue.add(item);
  return { queue, items };
}

describe("FairQueue", () => {
  it("serves callers by turns, each in order of arrival", () => {
    expect(numbers(filled("a", "a", "a", "b", "c", "b").queue.takeAll())).toEqual([0, 3, 4, 1, 5, 2]);
  });

  it("lets a caller that comes back wait for its turn", () => {
    const { queue } = filled("a", "b", "b");
    queue.take();
    queue.add({ caller: "a", n: 9 });
    expect(numbers(queue.takeAll())).toEqual([1, 9, 2]);
  });

  it("gives an item that was put back next", () => {
    const { queue } = filled("a", "b", "a");
    const first = queue.take();
    if (first !== undefined) queue.putBack(first);
    expect(numbers(queue.takeAll())).toEqual([0, 1, 2]);
  });

  it("gives up the newest of whoever has the most, if that is enough", () => {
    const { queue } = filled("a", "b", "a", "a", "b");
    expect(queue.takeNewestOfLongest(4)).toBeUndefined();
    expect(queue.takeNewestOfLongest(3)?.n).toBe(3);
    expect(numbers(queue.takeAll())).toEqual([0, 1, 2, 4]);
  });

  it("loses and doubles nothing, and keeps each caller's order, whatever is added, taken and removed", () => {
    const step = fc.tuple(fc.constantFrom("add", "take", "remove"), fc.constantFrom("a", "b", "c"), fc.nat(50));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new FairQueue<Item>();
        const model: Item[] = [];
        let n = 0;
        for (const [what, caller, pick] of steps) {
          const item = { caller, n: n++ };
          if (what === "add") {
            queue.add(item);
            model.push(item);
          } else if (what === "take") {
            const taken = queue.take();
            const oldest = model.find((other) => other.caller === taken?.caller);
            expect(taken).toBe(oldest);
            if (oldest !== undefined) model.splice(model.indexOf(oldest), 1);
            else expect(model).toEqual([]);
          } else {
            const [removed] = model.splice(pick % Math.max(model.length, 1), 1);
            expect(queue.remove(removed ?? item)).toBe(removed !== undefined);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.sizeOf("a")).toBe(model.filter((other) => other.caller === "a").length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("serves many callers that come once, and does not remember them", () => {
    const queue = new FairQueue<Item>();
    for (let n = 0; n < 10_000; n++) {
      queue.add({ caller: String(n), n });
      expect(queue.take()?.n).toBe(n);
    }
    expect(queue.size).toBe(0);
  });
});
