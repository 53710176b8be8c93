import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { type Cell, runCells } from "./kill-matrix.ts";

/** Each fault once and each moment at least once; `npm run bench -- chaos` runs all 96. */
const FAIR_PART: readonly Cell[] = [
  { fault: "SIGKILL", moment: "running" },
  { fault: "SIGKILL", moment: "queued" },
  { fault: "SIGSTOP", moment: "idle" },
  { fault: "exit 0", moment: "stream" },
  { fault: "exit 137", moment: "loading" },
  { fault: "hang in Python", moment: "running" },
  { fault: "hang in C", moment: "batch" },
  { fault: "closed socket", moment: "reloading" },
  { fault: "closed stdin", moment: "idle" },
  { fault: "half a frame", moment: "batch" },
  { fault: "garbage", moment: "stream" },
  { fault: "flood", moment: "queued" },
  { fault: "memory hog", moment: "running" },
  { fault: "SIGKILL", moment: "draining" },
  { fault: "SIGSTOP", moment: "draining" },
];

it("answers every request in time and has the model back, whatever breaks whenever", async () => {
  const before = readdirSync("/proc/self/fd").length;
  const reports = await runCells(FAIR_PART);
  expect(reports.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(reports.length).toBe(FAIR_PART.length);
  // The connections of this process's own fetch are a few; a leak would be one a cell and more.
  expect(readdirSync("/proc/self/fd").length - before).toBeLessThan(FAIR_PART.length);
});
