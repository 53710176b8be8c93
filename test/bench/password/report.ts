import type { Measurement } from "./measure.ts";

const BASE = "@phi-ag/argon2";

/** Prints medians, spread, and ratios to @phi-ag/argon2: the median of the rounds' own ratios, which noise moves least. */
export function report(title: string, measurements: readonly Measurement[]): void {
  const base = measurements.find(({ name }) => name === BASE)?.ms ?? [];
  const rows = [...measurements].sort((left, right) => quantile(left.ms, 0.5) - quantile(right.ms, 0.5));
  console.log(`\n${title}`);
  console.log(
    `${"".padEnd(26)}${["median ms", "p10", "p90", "fastest", `x ${BASE}`, "x fastest", "first call"].map(column).join("")}`,
  );
  for (const { name, ms, firstMs } of rows) {
    const ratios = ms.map((value, round) => value / (base[round] ?? Number.NaN));
    const cells = [
      quantile(ms, 0.5).toFixed(1),
      quantile(ms, 0.1).toFixed(1),
      quantile(ms, 0.9).toFixed(1),
      Math.min(...ms).toFixed(1),
      quantile(ratios, 0.5).toFixed(3),
      (Math.min(...ms) / Math.min(...base)).toFixed(3),
      firstMs.toFixed(0),
    ];
    console.log(`${name.padEnd(26)}${cells.map(column).join("")}`);
  }
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

function column(text: string): string {
  return text.padStart(Math.max(12, text.length + 2));
}
