import { findProcess } from "./process-identity.mjs";

/** Milliseconds between two looks at whether npm still lives. */
const POLL_MS = 250;

const SHELLS = new Set(["sh", "dash", "bash", "ash", "ksh", "zsh", "busybox"]);

/**
 * The links from this process up to the npm that runs it, a shell between them or not. Empty outside npm: then nobody
 * owns this process but its terminal.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ child: number; parent: number }[]}
 */
export function findOwners(env) {
  if (!env.npm_lifecycle_event) return [];
  const links = [{ child: process.pid, parent: process.ppid }];
  const parent = findProcess(process.ppid);
  // npm starts scripts by `sh -c`; a shell that does not replace itself stands between us and npm.
  if (parent && SHELLS.has(parent.command)) links.push({ child: process.ppid, parent: parent.parent });
  return links;
}

/**
 * Calls `onLost` once when npm is gone, even by kill -9: its children then have another parent.
 *
 * @param {{ env: NodeJS.ProcessEnv; onLost: () => void }} options
 * @returns {() => void} ends the watch
 */
export function watchOwner({ env, onLost }) {
  const links = findOwners(env);
  if (links.length === 0) return () => {};
  const timer = setInterval(() => {
    if (links.every(holds)) return;
    clearInterval(timer);
    onLost();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** @param {{ child: number; parent: number }} link */
function holds({ child, parent }) {
  return child === process.pid ? process.ppid === parent : findProcess(child)?.parent === parent;
}
