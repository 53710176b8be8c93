import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenForStop } from "../../src/cli/set-up/stop-requests.mjs";
import { root, runProgram } from "./run-program.ts";
import { addTallies, reportTally, type Tally } from "./tally.ts";
import { tallyPytest, tallyRun, tallyVitest } from "./test-reports.ts";

/**
 * `npm test`: every test in both languages, then one line `N passed, N failed` for both. `npm test -- python …` runs pytest alone
 * and `npm test -- …` vitest alone, with those arguments.
 */
const stop = listenForStop(process.env);
const folder = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
try {
  process.exitCode = reportTally(addTallies(await runSuites(process.argv.slice(2))), process.env);
} finally {
  rmSync(folder, { recursive: true, force: true });
  stop.close();
}

async function runSuites(args: readonly string[]): Promise<Tally[]> {
  if (args[0] === "python") return [await runPytest(args.slice(1))];
  if (args.length > 0) return [await runVitest(args)];
  return [await runVitest([]), await runPytest([])];
}

function runVitest(args: readonly string[]): Promise<Tally> {
  const report = join(folder, "vitest.json");
  return runSuite(process.execPath, {
    args: [
      join(root, "node_modules/vitest/vitest.mjs"),
      ...["run", "--config", "test/vitest.config.ts", "--reporter=default", "--reporter=json"],
      ...[`--outputFile.json=${report}`, ...args],
    ],
    report,
    read: tallyVitest,
  });
}

function runPytest(args: readonly string[]): Promise<Tally> {
  const report = join(folder, "pytest.xml");
  return runSuite(join(root, ".venv/bin/python"), {
    args: [
      "-m",
      "pytest",
      "-c",
      "python/pyproject.toml",
      `--junitxml=${report}`,
      ...(args.length > 0 ? args : ["test/python"]),
    ],
    report,
    read: tallyPytest,
  });
}

async function runSuite(
  program: string,
  { args, report, read }: { args: readonly string[]; report: string; read: (text: string) => Tally },
): Promise<Tally> {
  if (stop.gracefully.aborted) return { passed: 0, failed: 1 };
  const { exitCode } = await runProgram(program, { args, capture: false, signal: stop.gracefully });
  return tallyRun({ exitCode, report: readReport(report, read) });
}

function readReport(file: string, read: (text: string) => Tally): Tally | undefined {
  try {
    return read(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
