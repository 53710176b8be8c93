import { spawn } from "node:child_process";

/** Bytes of a tool's output that are kept to explain a failure: the last ones. */
const KEPT_OUTPUT_BYTES = 64 * 1024;

/**
 * How a tool ended.
 *
 * @typedef {object} ToolResult
 * @property {boolean} ok it ran and exited 0
 * @property {boolean} missing there is no such program
 * @property {string} output the end of what it wrote, stdout and stderr together
 */

/**
 * Runs a program to its end, in a process group of its own: when `signal` aborts, the whole group ends with it.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {number} options.timeoutMs
 * @param {(line: string) => void} [options.onLine] gets each line of output as it comes
 * @returns {Promise<ToolResult>}
 */
export function runTool(program, args, { signal, cwd, env, timeoutMs, onLine }) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, missing: false, output: "" });
    const child = spawn(program, args, {
      cwd,
      env: env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let unfinishedLine = "";
    const end = () => endGroup(child.pid);
    const timer = setTimeout(() => {
      output += `\n(ended after ${timeoutMs / 1000} s)`;
      end();
    }, timeoutMs);
    signal.addEventListener("abort", end, { once: true });

    /** @param {string} text */
    const take = (text) => {
      output = (output + text).slice(-KEPT_OUTPUT_BYTES);
      const lines = (unfinishedLine + text).split("\n");
      unfinishedLine = (lines.pop() ?? "").slice(-KEPT_OUTPUT_BYTES);
      for (const line of lines) onLine?.(line);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);

    /** @param {Pick<ToolResult, "ok" | "missing">} how */
    const settle = (how) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve({ ...how, output });
    };
    child.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      output += error.message;
      settle({ ok: false, missing: error.code === "ENOENT" });
    });
    child.once("close", (code) => settle({ ok: code === 0, missing: false }));
  });
}

/** @param {number | undefined} pid the group's leader */
function endGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGTERM");
  } catch {
    // It ended by itself in the meantime.
  }
}
