import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { inCheckout, root } from "./checkout.mjs";
import { explainFailure } from "./explain-failure.mjs";
import { Failure, fileFailure } from "./failure.mjs";
import { findPython, OLDEST_PYTHON } from "./find-python.mjs";
import { freeBytes, MIB } from "./free-bytes.mjs";
import { runTool } from "./run-tool.mjs";

const VENV = inCheckout(".venv");
const VENV_PYTHON = join(VENV, "bin", "python");
const STAMP = join(VENV, "gatehouse-stamp.json");
/** What a person's own models import; theirs to write, installed after our own. */
const OWN_REQUIREMENTS = "requirements-models.txt";
const LOCK_FLAGS = ["--require-hashes", "--no-deps", "--only-binary=:all:"];
const ASK_TIMEOUT_MS = 20_000;
/** What `python3 -m venv` writes (14 MiB, measured) with room for pip's own unpacking. */
const VENV_BYTES = 32 * MIB;
const VENV_TIMEOUT_MS = 2 * 60_000;
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/**
 * What a finished environment was made from.
 *
 * @typedef {object} Stamp
 * @property {string} root the checkout's place
 * @property {string} python the real path of the interpreter behind it
 * @property {Record<string, string>} locks by lock file: the SHA-256 of what was installed
 */

/**
 * The step that makes the venv `.venv` in the checkout and installs the lock file into it, with hashes. A developers'
 * environment stays one, so that `npm start` after `npm test` takes nothing away.
 *
 * @param {{ everything: boolean; signal: AbortSignal }} options
 * @returns {import("./progress.mjs").Step}
 */
export function pythonEnvironment({ everything, signal }) {
  return {
    title: "Python environment",
    run: async ({ doing }) => {
      const stamp = readStamp();
      const full = everything || (stamp !== undefined && "requirements-dev.lock" in stamp.locks);
      const names = full ? ["requirements.lock", "requirements-dev.lock"] : ["requirements.lock"];
      const own = existsSync(inCheckout("python", OWN_REQUIREMENTS)) ? [OWN_REQUIREMENTS] : [];
      const files = [...names, ...own];
      const locks = Object.fromEntries(files.map((name) => [name, hashOf(inCheckout("python", name))]));
      if (stamp && files.every((name) => stamp.locks[name] === locks[name])) return "up to date";

      if (!stamp && !(await isUsable(signal))) {
        doing("looking for Python");
        const python = await findPython({ signal, cwd: root });
        doing("making .venv");
        await makeVenv(python, signal);
      }
      const lock = inCheckout("python", names[names.length - 1] ?? "");
      await install({ file: lock, flags: LOCK_FLAGS, doing, signal });
      for (const name of own) await install({ file: inCheckout("python", name), flags: [], doing, signal });
      showSdk();
      writeStamp({ root, python: realpathSync(VENV_PYTHON), locks });
      return "done";
    },
  };
}

/** @returns {Stamp | undefined} nothing when the environment is missing, unfinished, or its Python is another by now */
function readStamp() {
  try {
    /** @type {Stamp} */
    const stamp = JSON.parse(readFileSync(STAMP, "utf8"));
    return stamp.root === root && realpathSync(VENV_PYTHON) === stamp.python ? stamp : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether there is an environment that one can go on with: of an interrupted installation, or of somebody's own hands. After
 * a change of Python's minor version its packages are in another folder, and it is not.
 *
 * @param {AbortSignal} signal
 */
async function isUsable(signal) {
  if (!existsSync(VENV_PYTHON)) return false;
  const args = ["-c", `import sys, pip; assert sys.version_info >= (${OLDEST_PYTHON.join(", ")})`];
  return (await runTool(VENV_PYTHON, args, { signal, cwd: root, timeoutMs: ASK_TIMEOUT_MS })).ok;
}

/** Lets the environment's Python, and so editors and `python -m gatehouse_worker`, find the SDK where it is. */
function showSdk() {
  const lib = join(VENV, "lib");
  for (const version of readdirSync(lib)) {
    writeFileSync(join(lib, version, "site-packages", "gatehouse.pth"), `${inCheckout("python", "src")}\n`);
  }
}

/** @param {Stamp} stamp */
function writeStamp(stamp) {
  try {
    writeFileSync(STAMP, JSON.stringify(stamp));
  } catch (error) {
    throw fileFailure(error, "The checkout's .venv");
  }
}

/** @param {string} file */
function hashOf(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/**
 * @param {string} python
 * @param {AbortSignal} signal
 */
async function makeVenv(python, signal) {
  const args = ["-m", "venv", "--clear", VENV];
  const { ok, output } = await runTool(python, args, { signal, cwd: root, timeoutMs: VENV_TIMEOUT_MS });
  if (ok && existsSync(VENV_PYTHON)) return;
  // A pip that could not be unpacked is told without its reason.
  const full = freeBytes(root) < VENV_BYTES;
  // Debian's python3 makes the folder before it finds that ensurepip is in another package.
  rmSync(VENV, { recursive: true, force: true });
  if (full)
    throw new Failure("The disk is full: the Python environment cannot be made. Free some space and try again.");
  if (/ensurepip|No module named '?venv|python3[\d.]*-venv/.test(output)) {
    throw new Failure(
      "`python3 -m venv` does not work here: install your system's venv package (on Debian and Ubuntu: python3-venv).",
    );
  }
  throw explainFailure("The Python environment cannot be made", output);
}

/** @param {{ file: string; flags: readonly string[]; doing: (activity: string) => void; signal: AbortSignal }} options */
async function install({ file, flags, doing, signal }) {
  doing("pip install");
  const quiet = ["--disable-pip-version-check", "--progress-bar=off", "--no-warn-script-location"];
  const args = ["-m", "pip", "install", ...flags, "--retries=2", "--no-input", ...quiet, "-r", file];
  const result = await runTool(VENV_PYTHON, args, {
    cwd: root,
    timeoutMs: INSTALL_TIMEOUT_MS,
    signal,
    onLine: (line) => {
      const name = /^Collecting ([\w.-]+)/.exec(line)?.[1];
      if (name) doing(`downloading ${name}`);
      if (line.startsWith("Installing collected packages")) doing("installing the packages");
    },
  });
  if (!result.ok) throw explainFailure(`The Python packages of ${basename(file)} cannot be installed`, result.output);
}
