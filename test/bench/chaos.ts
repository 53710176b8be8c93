import { parseArgs } from "node:util";
import type { CellReport } from "../chaos/cell-run.ts";
import { ALL_CELLS, FAULTS, KINDS, type Kind, MOMENTS } from "../chaos/cells.ts";
import { runCells } from "../chaos/kill-matrix.ts";
import { fuzzFrames } from "../wire/frame-fuzz.ts";

const FRAMES = 1_000_000;

/** Cells between two lines of progress. */
const PROGRESS = 24;

/**
 * The whole kill matrix, then a million generated frames. `--seed` begins the fuzz elsewhere; `--only matrix|fuzz` runs one of them;
 * `--cell "draining stream"` only the cells in whose name (`SIGKILL draining stream`) that is.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string", default: "1000000" },
      only: { type: "string" },
      cell: { type: "string", default: "" },
    },
  });
  if (values.only !== "fuzz") await runMatrix(values.cell);
  if (values.only !== "matrix") runFuzz(Number(values.seed));
}

async function runMatrix(wanted: string): Promise<void> {
  const cells = ALL_CELLS.filter(({ fault, moment, kind }) => `${fault} ${moment} ${kind}`.includes(wanted));
  if (cells.length === 0)
    throw new Error(`No cell has "${wanted}" in its name; one is called "SIGKILL draining stream".`);
  let done = 0;
  const reports = await runCells(cells, () => {
    if (++done % PROGRESS === 0 || done === cells.length) process.stdout.write(`${done} of ${cells.length} cells\n`);
  });
  for (const kind of KINDS) printTimes(reports, kind);
  const settled = reports.flatMap((report) => report.settled);
  const most = (values: readonly (number | undefined)[]) =>
    Math.max(0, ...values.map((value) => value ?? 0)).toFixed(0);
  process.stdout.write(
    `\n${settled.length} requests, each settled once, the slowest ${most(settled.map(({ waitedMs }) => waitedMs))} ms after its last sign of life, ` +
      `for a deadline of 1000\n` +
      `the next worker was started ${most(reports.map(({ restartMs }) => restartMs))} ms after the end of the last, at most\n` +
      `live bytes after a cell that were not before: ${most(reports.map(({ growthBytes }) => growthBytes))} at most; ` +
      "descriptors, timers, processes, live emitters: as before\n",
  );
  const broken = reports.filter(({ problems }) => problems.length > 0);
  for (const { fault, moment, kind, problems } of broken)
    process.stdout.write(`${fault}, ${moment}, ${kind}: ${problems.join("; ")}\n`);
  process.stdout.write(`${cells.length - broken.length} of ${cells.length} cells without a problem\n`);
  if (broken.length > 0) process.exitCode = 1;
}

function printTimes(reports: readonly CellReport[], kind: Kind): void {
  process.stdout.write(
    `\n${kind} requests: milliseconds from the fault to the model's next 200 (draining: the daemon has ended)\n`,
  );
  process.stdout.write(`${"".padEnd(16)}${MOMENTS.map((moment) => moment.padStart(10)).join("")}\n`);
  for (const fault of FAULTS) {
    const row = MOMENTS.map((moment) =>
      show(reports.find((report) => report.fault === fault && report.moment === moment && report.kind === kind)),
    );
    process.stdout.write(`${fault.padEnd(16)}${row.map((text) => text.padStart(10)).join("")}\n`);
  }
}

function show(report: CellReport | undefined): string {
  if (report === undefined) return "-";
  if (report.problems.length > 0) return "PROBLEM";
  return report.backMs === undefined ? "ended" : report.backMs.toFixed(0);
}

function runFuzz(seed: number): void {
  const startedAt = performance.now();
  const { frames, ends, failures } = fuzzFrames(FRAMES, seed);
  const seconds = (performance.now() - startedAt) / 1_000;
  process.stdout.write(
    `\n${frames} frames from seed ${seed} in ${seconds.toFixed(0)} s, read in one piece and in many\n`,
  );
  for (const [end, count] of [...ends].sort((a, b) => b[1] - a[1]))
    process.stdout.write(`  ${end.padEnd(16)} ${count} streams\n`);
  for (const failure of failures.slice(0, 10)) process.stdout.write(`  seed ${failure.seed}: ${failure.what}\n`);
  process.stdout.write(`${failures.length} failures\n`);
  if (failures.length > 0) process.exitCode = 1;
}
