import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdTable } from "../../daemon/wire/id-table.ts";

describe("IdTable", () => {
  it("holds what a Map holds, whatever comes and goes", () => {
    const step = fc.tuple(fc.constantFrom("add", "delete", "get"), fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new IdTable<string>();
        const map = new Map<number, string>();
        for (const [what, n] of steps) {
          // Far apart and colliding, near and in a row.
          const id = n % 2 === 0 ? n * 16 : n;
          if (what === "add" && !map.has(id)) {
            table.add(id, `v${id}`);
            map.set(id, `v${id}`);
          } else if (what === "delete") {
            table.delete(id);
            map.delete(id);
          }
          expect([table.get(id), table.size]).toEqual([map.get(id), map.size]);
          expect(table.first).toBe(map.get(Math.min(...map.keys())));
        }
        expect(table.inOrder()).toEqual([...map].sort(([a], [b]) => a - b).map(([, value]) => value));
        for (const [id, value] of map) expect(table.get(id)).toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  it("finds ids beyond 32 bits", () => {
    const table = new IdTable<number>();
    const ids = Array.from({ length: 100 }, (_, index) => 2 ** 40 + index * 3);
    for (const id of ids) table.add(id, id);
    for (const id of ids) expect(table.get(id)).toBe(id);
    for (const id of ids) table.delete(id);
    expect(table.size).toBe(0);
  });
});
