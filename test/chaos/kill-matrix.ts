import { type CellReport, runCell } from "./cell-run.ts";
import type { Cell } from "./cells.ts";

/** Cells side by side: some of them keep a core busy. */
const SIDE_BY_SIDE = 5;

/** Runs the cells, a few at a time, and tells of each as it is over. */
export async function runCells(
  cells: readonly Cell[],
  onReport: (report: CellReport) => void = () => undefined,
): Promise<readonly CellReport[]> {
  const reports: CellReport[] = [];
  const left = [...cells];
  const work = async () => {
    for (let cell = left.shift(); cell !== undefined; cell = left.shift()) {
      const report = await runCell(cell);
      reports.push(report);
      onReport(report);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return reports;
}
