import { spawn } from "node:child_process";
import { root } from "../set-up/checkout.mjs";
import { lineSplitter } from "./line-splitter.mjs";
import { renderLogLine } from "./render-log-line.mjs";
import { DRAIN_TIMEOUT_MS } from "./server-commands.mjs";

/**
 * Milliseconds beyond its drain that a server has to be gone; then it is killed. The edge takes 500 of them, to answer
 * for the daemon until that is gone. In all less than the 5 s we promise.
 */
const KILL_MARGIN_MS = 1_000;

/**
 * @typedef {object} ServerProcess
 * @property {Promise<string>} ended settles when it is gone, with a phrase that says how
 * @property {(options: { atOnce: AbortSignal }) => Promise<void>} end asks it to end, kills it when it takes too long
 */

/**
 * Starts a server in a session of its own, so that a Ctrl-C reaches it through us only, and writes its log to our
 * stderr. Its stdin is a pipe of ours: when we die, however, it reads the end and ends itself.
 *
 * @param {import("./server-commands.mjs").ServerCommand} command
 * @returns {ServerProcess}
 */
export function startServer({ name, args, env }) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const color = Boolean(process.stderr.isTTY) && !env.NO_COLOR;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on(
      "data",
      lineSplitter((line) => process.stderr.write(`${renderLogLine({ line, name, color })}\n`)),
    );
  }
  child.stdin.on("error", () => {});

  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`${name} did not start (${error.message})`));
    child.once("close", (code, signal) => {
      // Whatever it left in its group goes with it.
      killGroup(child.pid);
      resolve(`${name} ended by itself (${signal ?? `exit code ${code}`})`);
    });
  });

  return {
    ended,
    end: async ({ atOnce }) => {
      const kill = () => killGroup(child.pid);
      if (atOnce.aborted) kill();
      else child.kill("SIGTERM");
      atOnce.addEventListener("abort", kill, { once: true });
      const timer = setTimeout(kill, DRAIN_TIMEOUT_MS + KILL_MARGIN_MS);
      await ended;
      clearTimeout(timer);
      atOnce.removeEventListener("abort", kill);
    },
  };
}

/** @param {number | undefined} pid the group's leader */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
