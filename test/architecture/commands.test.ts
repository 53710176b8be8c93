import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { addTallies, reportTally } from "../commands/tally.ts";
import { tallyPytest, tallyRun, tallyVitest } from "../commands/test-reports.ts";

afterEach(() => vi.restoreAllMocks());

describe("the count of npm test", () => {
  const file = (status: string, ...tests: string[]) => ({
    status,
    assertionResults: tests.map((testStatus) => ({ status: testStatus })),
  });
  const vitest = (passed: number, failed: number, testResults: ReturnType<typeof file>[]) =>
    tallyVitest(JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults }));

  test("takes vitest's numbers", () => {
    const files = [file("passed", "passed", "passed"), file("failed", "passed", "failed")];
    expect(vitest(3, 1, files)).toEqual({ passed: 3, failed: 1 });
  });

  test("counts a file that could not be loaded as one failure", () => {
    expect(vitest(3, 0, [file("passed", "passed"), file("failed")])).toEqual({ passed: 3, failed: 1 });
  });

  test("takes pytest's numbers, errors outside tests as failures, skipped tests as neither", () => {
    const xml =
      '<?xml version="1.0"?><testsuites name="pytest"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="20">';
    expect(tallyPytest(xml)).toEqual({ passed: 14, failed: 3 });
  });

  test("counts a runner that fails without naming a test, or leaves no report, as one failure", () => {
    expect(tallyRun({ exitCode: 1, report: { passed: 5, failed: 0 } })).toEqual({ passed: 5, failed: 1 });
    expect(tallyRun({ exitCode: 1, report: { passed: 5, failed: 2 } })).toEqual({ passed: 5, failed: 2 });
    expect(tallyRun({ exitCode: 0, report: undefined })).toEqual({ passed: 0, failed: 1 });
  });

  test("ends with one line, tells .ci/run, and exits 0 only when something passed and nothing failed", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-tally-"));
    const said = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const env = { GATEHOUSE_TALLY: join(folder, "tally") };
    expect(
      reportTally(
        addTallies([
          { passed: 2, failed: 0 },
          { passed: 3, failed: 0 },
        ]),
        env,
      ),
    ).toBe(0);
    expect(reportTally({ passed: 2, failed: 1 }, env)).toBe(1);
    expect(reportTally({ passed: 0, failed: 0 }, {})).toBe(1);
    expect(said).toHaveBeenNthCalledWith(1, "5 passed, 0 failed\n");
    expect(readFileSync(env.GATEHOUSE_TALLY, "utf8")).toBe("5 passed, 0 failed\n2 passed, 1 failed\n");
    rmSync(folder, { recursive: true });
  });
});
