import type { BadLine } from "./read-records.ts";

/** Every bad line, those with one reason together, in order of the first of each; then what there is to be done, once. */
export function describeBadLines(bad: readonly BadLine[]): string[] {
  const linesByReason = new Map<string, number[]>();
  for (const { line, reason } of bad.toSorted((a, b) => a.line - b.line)) {
    const lines = linesByReason.get(reason) ?? [];
    lines.push(line);
    linesByReason.set(reason, lines);
  }
  const advice = new Set(bad.flatMap((each) => (each.advice === undefined ? [] : [each.advice])));
  return [
    ...[...linesByReason].map(
      ([reason, lines]) => `${lines.length === 1 ? "line" : "lines"} ${ranges(lines)}: ${reason}`,
    ),
    ...advice,
  ];
}

/** `3-5, 7`, of numbers that rise. */
function ranges(lines: readonly number[]): string {
  const found: { first: number; last: number }[] = [];
  for (const line of lines) {
    const range = found.at(-1);
    if (range !== undefined && line === range.last + 1) range.last = line;
    else found.push({ first: line, last: line });
  }
  return found.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}
