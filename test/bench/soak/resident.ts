import { readFileSync } from "node:fs";

const MEBIBYTE = 1_048_576;

/** Resident memory of one process over time. */
export class Resident {
  private readonly samples: { readonly minute: number; readonly mebibytes: number }[] = [];

  constructor(
    readonly name: string,
    private readonly pid: number,
  ) {}

  sample(minute: number): void {
    this.samples.push({ minute, mebibytes: residentBytes(this.pid) / MEBIBYTE });
  }

  get latest(): number {
    return this.samples.at(-1)?.mebibytes ?? 0;
  }

  /**
   * Mebibytes a minute from `fromMinute` on: the median of the slopes between every two samples (Theil and Sen), which no collection that
   * happens to come early or late moves.
   */
  slope(fromMinute: number): number {
    const judged = this.samples.filter(({ minute }) => minute >= fromMinute);
    const slopes: number[] = [];
    for (const [index, later] of judged.entries()) {
      for (let i = 0; i < index; i++) {
        const earlier = judged[i];
        if (earlier === undefined) continue;
        slopes.push((later.mebibytes - earlier.mebibytes) / (later.minute - earlier.minute));
      }
    }
    slopes.sort((a, b) => a - b);
    return slopes[Math.floor(slopes.length / 2)] ?? 0;
  }
}

export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) * 1_024;
}
