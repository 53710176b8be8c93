import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { explainFailure } from "./explain-failure.mjs";
import { Failure } from "./failure.mjs";
import { runTool } from "./run-tool.mjs";

/** Milliseconds `npm ci` may take: a slow network, not a hanging one. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** The SHA-256 of the lock file that npm last installed from; npm ci removes it with the rest of the folder. */
const STAMP = join("node_modules", ".gatehouse-stamp");

/**
 * A package's entry in package-lock.json and in node_modules/.package-lock.json, which npm writes after each install.
 *
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [dev] only developers' packages want it
 * @property {boolean} [devOptional] a developers' package wants it, or an optional one
 * @property {boolean} [optional]
 * @property {boolean} [link]
 * @property {string[]} [os] the platforms it is for
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 *
 * @typedef {Record<string, LockedPackage>} LockedPackages by path, e.g. `node_modules/hono`
 */

/**
 * What has to be installed so that node_modules holds what the lock file names: nothing, the packages that running
 * needs, or all. A full installation stays one, so that `npm start` after `npm test` takes nothing away.
 *
 * @param {object} state
 * @param {LockedPackages} state.locked what the lock file names
 * @param {LockedPackages} state.installed what is there
 * @param {boolean} state.everything developers' packages are wanted too
 * @param {boolean} state.tried npm has installed from this very lock file: an optional package that is missing stays so
 * @returns {"nothing" | "run-time" | "everything"}
 */
export function decideInstall({ locked, installed, everything, tried }) {
  const here = Object.values(installed);
  const complete = Object.entries(locked)
    .filter(([path, entry]) => path !== "" && !entry.link && (everything || !(entry.dev || entry.devOptional)))
    .filter(([, entry]) => !entry.optional || (!tried && entry.os && fitsPlatform(entry)))
    .every(
      ([path, { version, integrity }]) =>
        installed[path]?.version === version && installed[path]?.integrity === integrity,
    );
  // A checkout that came from another machine brings binaries for that one.
  if (complete && here.every(fitsPlatform)) return "nothing";
  return everything || here.some((entry) => entry.dev) ? "everything" : "run-time";
}

/** @param {LockedPackage} entry */
function fitsPlatform({ os, cpu, libc }) {
  const fits = (!os || os.includes(process.platform)) && (!cpu || cpu.includes(process.arch));
  return fits && (!libc || libc.includes(findLibc()));
}

/** @type {string | undefined} asked once: a report takes 25 ms */
let libcOfThisNode;

/** @returns {string} which C library this Node was linked with */
function findLibc() {
  if (libcOfThisNode === undefined) {
    /** @type {{ header?: { glibcVersionRuntime?: string } }} */
    const report = process.report.getReport();
    libcOfThisNode = report.header?.glibcVersionRuntime ? "glibc" : "musl";
  }
  return libcOfThisNode;
}

/**
 * The step that installs npm packages from the lock file, in one folder. npm itself runs only when there is something
 * to do: asking it costs 0.3 s.
 *
 * @param {{ folder: string; title: string; everything: boolean; signal: AbortSignal }} options
 * @returns {import("./progress.mjs").Step}
 */
export function npmPackages({ folder, title, everything, signal }) {
  return {
    title,
    run: async ({ doing }) => {
      const locked = readPackages(join(folder, "package-lock.json"));
      const present = readPackages(join(folder, "node_modules", ".package-lock.json"));
      const installed = Object.fromEntries(Object.entries(present).filter(([path]) => existsSync(join(folder, path))));
      const tried = readFile(join(folder, STAMP)) === hashOfLock(folder);
      const decision = decideInstall({ locked, installed, everything, tried });
      if (decision === "nothing") return "up to date";
      doing(`npm ci, ${decision === "everything" ? "all packages" : "what running needs"}`);
      await install({ folder, omitDevelopers: decision === "run-time", signal });
      writeFileSync(join(folder, STAMP), hashOfLock(folder));
      return "done";
    },
  };
}

/** @param {{ folder: string; omitDevelopers: boolean; signal: AbortSignal }} options */
async function install({ folder, omitDevelopers, signal }) {
  const { program, args } = findNpm(process.env);
  const flags = ["ci", "--no-audit", "--no-fund", "--loglevel=warn", "--ignore-scripts"];
  const patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-factor=3"];
  const result = await runTool(program, [...args, ...flags, ...patience, ...(omitDevelopers ? ["--omit=dev"] : [])], {
    cwd: folder,
    // What npm told this script of itself (npm_config_*) must not steer the npm that it starts, but for the registry.
    env: { ...process.env, NODE_ENV: "", npm_config_omit: "", npm_config_production: "", npm_config_prefix: "" },
    timeoutMs: INSTALL_TIMEOUT_MS,
    signal,
  });
  if (result.missing) throw new Failure("npm is not installed: install it with Node and try again.");
  // npm exits 0 when it could not write a file of a package, on a full disk for one, and believes the package complete.
  const incomplete = /TAR_ENTRY_ERROR/.test(result.output);
  if (incomplete) rmSync(join(folder, "node_modules", ".package-lock.json"), { force: true });
  if (!result.ok || incomplete) throw explainFailure("The npm packages cannot be installed", result.output);
}

/**
 * The npm that runs us, else the one beside this Node, else the one on the PATH.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ program: string; args: string[] }}
 */
function findNpm(env) {
  const script = env.npm_execpath;
  if (script && /npm-cli\.[cm]?js$/.test(script)) return { program: process.execPath, args: [script] };
  const beside = join(dirname(process.execPath), "npm");
  return { program: existsSync(beside) ? beside : "npm", args: [] };
}

/**
 * @param {string} file
 * @returns {LockedPackages}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFile(file) ?? "{}").packages ?? {};
  } catch {
    return {};
  }
}

/** @param {string} folder */
function hashOfLock(folder) {
  return createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
}

/** @param {string} file */
function readFile(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
