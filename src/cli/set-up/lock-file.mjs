import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { fileFailure } from "./failure.mjs";
import { findProcess } from "./process-identity.mjs";

/**
 * @typedef {object} Lock
 * @property {() => void} release
 */

/** Milliseconds after which the short lock around a takeover belongs to a process that died in it. */
const TAKEOVER_TTL_MS = 5_000;

/**
 * Takes a lock file that names its holder, and takes over one whose holder has died. Never waits.
 *
 * The file appears with its content (link(2) fails if it is there), so nobody reads half of one. A takeover happens
 * under a second lock: of two processes that see the same dead holder, one wins.
 *
 * @param {string} path in an existing folder
 * @returns {Lock | { heldBy: number }} the lock, or the process id of who has it
 * @throws {import("./failure.mjs").Failure} when the folder cannot be written
 */
export function takeLock(path) {
  const mine = JSON.stringify({ pid: process.pid, started: findProcess(process.pid)?.started ?? "" });
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, mine, { mode: 0o600 });
  } catch (error) {
    throw fileFailure(error, path);
  }
  try {
    const rival = place(draft, path) ? undefined : takeOver({ draft, path });
    if (rival !== undefined) return { heldBy: rival };
  } catch (error) {
    throw fileFailure(error, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    release: () => {
      if (readText(path) === mine) rmSync(path, { force: true });
    },
  };
}

/**
 * @param {{ draft: string; path: string }} files
 * @returns {number | undefined} the process that has the lock, if it lives or was faster
 */
function takeOver({ draft, path }) {
  const holder = readHolder(path);
  if (holder.alive) return holder.pid;
  const guard = `${path}.takeover`;
  if (!place(draft, guard)) {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age < TAKEOVER_TTL_MS) return readHolder(guard).pid;
    rmSync(guard, { force: true });
    if (!place(draft, guard)) return readHolder(guard).pid;
  }
  try {
    // Released in the meantime: then it is anybody's to place.
    if (!existsSync(path)) return place(draft, path) ? undefined : readHolder(path).pid;
    const latest = readHolder(path);
    if (latest.alive) return latest.pid;
    renameSync(draft, path);
    return undefined;
  } finally {
    rmSync(guard, { force: true });
  }
}

/**
 * @param {string} draft
 * @param {string} path
 * @returns {boolean} false when `path` is there already
 */
function place(draft, path) {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {{ pid: number; alive: boolean }}
 */
function readHolder(path) {
  /** @type {{ pid?: unknown; started?: unknown }} */
  let content;
  try {
    content = JSON.parse(readText(path) ?? "{}");
  } catch {
    content = {};
  }
  const pid = Number(content.pid);
  const running = Number.isInteger(pid) && pid > 0 ? findProcess(pid) : undefined;
  return { pid, alive: running !== undefined && running.started === content.started };
}

/**
 * @param {string} path
 * @returns {string | undefined}
 */
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
