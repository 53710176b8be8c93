import type { Tally } from "./tally.ts";

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { status: string }[];
  }[];
}

/** What vitest's JSON reporter counted. A file that failed without a failed test (it could not be loaded) counts as one. */
export function tallyVitest(json: string): Tally {
  const report = JSON.parse(json) as VitestReport;
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + brokenFiles.length };
}

/** What pytest's JUnit report counted; an error outside a test (collection, a fixture's teardown) counts as a failure. */
export function tallyPytest(xml: string): Tally {
  const suite = /<testsuite\b[^>]*>/.exec(xml)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  return { passed: Math.max(0, count("tests") - failed - count("skipped")), failed };
}

/** A runner that failed without naming a failed test, or that left no report, counts as one failure. */
export function tallyRun(options: { readonly exitCode: number; readonly report: Tally | undefined }): Tally {
  const { passed, failed } = options.report ?? { passed: 0, failed: 0 };
  const broken = options.report === undefined || (options.exitCode !== 0 && failed === 0);
  return { passed, failed: broken ? failed + 1 : failed };
}
