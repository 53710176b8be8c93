import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * What is known of a running process.
 *
 * @typedef {object} ProcessInfo
 * @property {number} parent its parent's process id
 * @property {string} command its name, without arguments
 * @property {string} started when it started, in the system's own terms: with the id it tells a process from a later one
 */

/**
 * Looks a process up; a zombie counts as gone. Linux: proc(5), elsewhere ps(1).
 *
 * @param {number} pid
 * @returns {ProcessInfo | undefined}
 */
export function findProcess(pid) {
  return process.platform === "linux" ? readProc(pid) : askPs(pid);
}

/**
 * @param {number} pid
 * @returns {ProcessInfo | undefined}
 */
function readProc(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name is in parentheses and may hold anything, parentheses too: the fields start after the last one.
  const nameEnds = stat.lastIndexOf(")");
  const fields = stat.slice(nameEnds + 2).split(" ");
  const [state, parent] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { parent: Number(parent), command: stat.slice(stat.indexOf("(") + 1, nameEnds), started: fields[19] ?? "" };
}

/**
 * @param {number} pid
 * @returns {ProcessInfo | undefined}
 */
function askPs(pid) {
  let line;
  try {
    line = execFileSync("ps", ["-o", "stat=,ppid=,lstart=,comm=", "-p", String(pid)], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
    });
  } catch {
    return undefined;
  }
  const match = /^\s*(\S+)\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.+?)\s*$/.exec(line);
  if (!match || match[1]?.startsWith("Z")) return undefined;
  return { parent: Number(match[2]), started: match[3] ?? "", command: (match[4] ?? "").replace(/^.*\//, "") };
}
