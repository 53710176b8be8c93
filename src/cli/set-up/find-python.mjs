import { Failure } from "./failure.mjs";
import { runTool } from "./run-tool.mjs";

/** The oldest Python that the SDK and its locked packages run on. */
export const OLDEST_PYTHON = [3, 10];

const NAMES = ["python3", "python3.13", "python3.12", "python3.11", "python3.10"];
const ASK = "import sys; print(*sys.version_info[:2]); print(sys.executable)";
const ASK_TIMEOUT_MS = 20_000;

/**
 * The first Python on the PATH that is new enough.
 *
 * @param {{ signal: AbortSignal; cwd: string }} options
 * @returns {Promise<string>} its executable
 * @throws {Failure} when there is none, or only older ones
 */
export async function findPython({ signal, cwd }) {
  let tooOld = "";
  for (const name of NAMES) {
    const { ok, output } = await runTool(name, ["-c", ASK], { signal, cwd, timeoutMs: ASK_TIMEOUT_MS });
    const match = /^(\d+) (\d+)\n(.+)\n/.exec(output);
    if (!ok || !match) continue;
    const [, major, minor, executable = name] = match;
    if (isNewEnough(Number(major), Number(minor))) return executable;
    tooOld ||= `${major}.${minor}`;
  }
  const needed = `Gatehouse needs Python ${OLDEST_PYTHON.join(".")} or newer`;
  throw new Failure(
    tooOld
      ? `Python ${tooOld} is too old: ${needed} on the PATH, as python3 or python3.<minor>.`
      : `There is no python3 on the PATH: ${needed} for its models.`,
  );
}

/**
 * @param {number} major
 * @param {number} minor
 */
function isNewEnough(major, minor) {
  const [oldestMajor = 3, oldestMinor = 0] = OLDEST_PYTHON;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
