import { appendFileSync } from "node:fs";

/** How many tests or checks passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export function addTallies(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/**
 * Prints the last line of `npm test` and `npm run check`, `N passed, N failed`, appends it to the file GATEHOUSE_TALLY names
 * (.ci/run adds those up), and gives the exit code.
 */
export function reportTally(tally: Tally, env: NodeJS.ProcessEnv): number {
  const line = `${tally.passed} passed, ${tally.failed} failed\n`;
  process.stdout.write(line);
  if (env.GATEHOUSE_TALLY) appendFileSync(env.GATEHOUSE_TALLY, line);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}
