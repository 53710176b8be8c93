import { startProgress } from "../progress.ts";
import { fitsWorkers, GRID, isStandardProfile, recommend, standingOf, type Timing } from "./grid.ts";
import type { HashTimer } from "./hash-timer.ts";
import { timeHere } from "./time-here.ts";
import { timeInWorkerd } from "./time-in-workerd.ts";

export interface CalibrateOptions {
  /** How often each point of the grid is timed. */
  readonly rounds: number;
  readonly targetMs: number;
  readonly workerd: boolean;
  readonly json: boolean;
}

/** Times the grid here and, where asked and installed, in workerd; prints a table or JSON, and a recommendation. */
export async function calibrate({ rounds, targetMs, workerd, json }: CalibrateOptions): Promise<void> {
  const here = timeHere();
  const inWorkerd = workerd ? await timeInWorkerd() : undefined;
  try {
    const timings = await timeGrid(rounds, here, inWorkerd);
    const recommendation = recommend(timings, targetMs);
    process.stdout.write(json ? toJson(timings, recommendation) : toTable(timings, recommendation));
    if (workerd && inWorkerd === undefined) {
      process.stderr.write("workerd is left out: wrangler is not installed here.\n");
    }
  } finally {
    await Promise.all([here.end(), inWorkerd?.end()]);
  }
}

async function timeGrid(rounds: number, here: HashTimer, inWorkerd: HashTimer | undefined): Promise<Timing[]> {
  const progress = startProgress({ title: "Timing Argon2id", total: GRID.length, unit: "parameters" });
  const timings: Timing[] = [];
  for (const parameters of GRID) {
    timings.push({
      parameters,
      hereMs: await here.medianMs(parameters, rounds),
      workerdMs: fitsWorkers(parameters) ? await inWorkerd?.medianMs(parameters, rounds) : undefined,
    });
    progress.advance(1);
  }
  progress.end();
  return timings;
}

function toJson(timings: readonly Timing[], recommendation: string): string {
  const rows = timings.map(({ parameters, hereMs, workerdMs }) => ({
    ...parameters,
    hereMs: round(hereMs),
    workerdMs: workerdMs === undefined ? null : round(workerdMs),
    standing: standingOf(parameters),
    standardProfile: isStandardProfile(parameters),
  }));
  return `${JSON.stringify({ timings: rows, recommendation }, null, 2)}\n`;
}

function toTable(timings: readonly Timing[], recommendation: string): string {
  const header = ["memory", "passes", "here", "a second", "workerd", "standards"];
  const rows = timings.map(({ parameters, hereMs, workerdMs }) => [
    `${parameters.memoryKiB / 1024} MiB`,
    String(parameters.passes),
    `${hereMs.toFixed(1)} ms`,
    (1000 / hereMs).toFixed(1),
    workerdMs === undefined ? "-" : `${workerdMs.toFixed(1)} ms`,
    `${standingOf(parameters)}${isStandardProfile(parameters) ? "; the standard profile" : ""}`,
  ]);
  const lines = [header, ...rows].map((cells) =>
    cells.map((cell, index) => (index === cells.length - 1 ? `  ${cell}` : cell.padStart(10))).join(""),
  );
  return [
    "One hash, one lane, one thread; each thread keeps as much memory as the largest hash it has done.",
    ...lines,
    recommendation,
    "",
  ].join("\n");
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
