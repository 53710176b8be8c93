import fc from "fast-check";
import { expect, it } from "vitest";
import { type HeapEntry, TimerHeap } from "../../daemon/timer-heap.ts";

interface Entry extends HeapEntry {
  readonly number: number;
}

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("add" as const), at: fc.integer({ min: 0, max: 50 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("take first" as const) }) },
  ),
  { maxLength: 300 },
);

it("always has the earliest of what was added and neither removed nor taken, whatever came before", () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const heap = new TimerHeap<Entry>();
      const all: Entry[] = [];
      let inside: Entry[] = [];
      for (const [number, step] of sequence.entries()) {
        if (step.kind === "add") {
          const entry = { at: step.at, place: -1, number };
          all.push(entry);
          inside.push(entry);
          heap.add(entry);
        } else {
          // One of all that ever were, so that entries leave from every place and some are out already.
          const leaving = step.kind === "take first" ? heap.first : all[step.which % Math.max(1, all.length)];
          if (leaving === undefined) continue;
          heap.remove(leaving);
          inside = inside.filter((entry) => entry !== leaving);
        }
        expect(heap.first?.at).toBe(inside.length === 0 ? undefined : Math.min(...inside.map(({ at }) => at)));
        expect(heap.first === undefined || inside.includes(heap.first)).toBe(true);
      }
    }),
  );
});
