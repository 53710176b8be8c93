import { parseArgs } from "node:util";
import { type CellReport, FAULTS, MOMENTS, runCells } from "../chaos/kill-matrix.ts";
import { fuzzFrames } from "../wire/frame-fuzz.ts";

const FRAMES = 1_000_000;

/** The whole kill matrix, then a million generated frames. `--seed` begins the fuzz elsewhere; `--only matrix|fuzz` runs one of them. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { seed: { type: "string", default: "1000000" }, only: { type: "string" } },
  });
  if (values.only !== "fuzz") await runMatrix();
  if (values.only !== "matrix") runFuzz(Number(values.seed));
}

async function runMatrix(): Promise<void> {
  const cells = MOMENTS.flatMap((moment) => FAULTS.map((fault) => ({ fault, moment })));
  const reports: CellReport[] = [];
  for (let at = 0; at < cells.length; at += 12) {
    reports.push(...(await runCells(cells.slice(at, at + 12))));
    process.stdout.write(`${reports.length} of ${cells.length} cells\n`);
  }
  process.stdout.write("\nmilliseconds from the fault to the model's next 200 (draining: the daemon has ended)\n");
  process.stdout.write(`${"".padEnd(16)}${MOMENTS.map((moment) => moment.padStart(10)).join("")}\n`);
  for (const fault of FAULTS) {
    const row = MOMENTS.map((moment) =>
      show(reports.find((report) => report.fault === fault && report.moment === moment)),
    );
    process.stdout.write(`${fault.padEnd(16)}${row.map((text) => text.padStart(10)).join("")}\n`);
  }
  const settled = reports.flatMap((report) => report.settled);
  const slowest = Math.max(...settled.map(({ ms }) => ms));
  process.stdout.write(
    `${settled.length} requests, each settled once, the slowest after ${slowest.toFixed(0)} ms of its 1000 ms deadline\n`,
  );
  const broken = reports.filter(({ problems }) => problems.length > 0);
  for (const { fault, moment, problems } of broken)
    process.stdout.write(`${fault} when ${moment}: ${problems.join("; ")}\n`);
  process.stdout.write(`${cells.length - broken.length} of ${cells.length} cells without a problem\n`);
  if (broken.length > 0) process.exitCode = 1;
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
