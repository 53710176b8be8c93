import { expect, it } from "vitest";
import { type Cell, FAULTS, KINDS, MOMENTS } from "./cells.ts";
import { runCells } from "./kill-matrix.ts";

/** Each fault and each moment with both kinds of requests; `npm run bench -- chaos` runs every cell. */
const FAIR_PART: readonly Cell[] = KINDS.flatMap((kind, turn) =>
  FAULTS.map((fault, index) => {
    const moment = MOMENTS[(index + 3 * turn) % MOMENTS.length] ?? "idle";
    return { fault, moment, kind };
  }),
);

/** A quarter of a minute on a machine of one's own. */
const TIMEOUT_MS = 180_000;

it(
  "answers every request in time, has the model back and leaks nothing, whatever breaks whenever",
  async () => {
    const reports = await runCells(FAIR_PART);
    expect(reports.filter(({ problems }) => problems.length > 0)).toEqual([]);
    expect(reports.length).toBe(24);
  },
  TIMEOUT_MS,
);
