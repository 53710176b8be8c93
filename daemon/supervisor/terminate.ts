import type { ChildProcess } from "node:child_process";
import type { Clock } from "../clock.ts";

/**
 * Ends a child and all of its process group: SIGTERM, `graceMs` to comply, SIGKILL. The group gets its SIGKILL also when the child has
 * ended by itself, for what it may have left behind. Resolves when the child has ended.
 */
export function terminate(child: ChildProcess, graceMs: number, clock: Clock): Promise<void> {
  if (hasEnded(child)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.after(graceMs, () => signalGroup(child, "SIGKILL"));
    child.once("exit", () => {
      timer.cancel();
      resolve();
    });
    signalGroup(child, graceMs > 0 ? "SIGTERM" : "SIGKILL");
  });
}

/**
 * Signals the process group that the child leads; nothing if it is gone. What we may not signal (a process of the group that has become
 * another user's) stays: a process warning, which the log has, tells of it.
 */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals, kill: Kill = sendSignal): void {
  if (child.pid === undefined) return;
  try {
    kill(-child.pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return;
    if (code !== "EPERM") throw error;
    process.emitWarning(`Process group ${child.pid} cannot be ended: what is left of it is not ours to signal.`, {
      code: "GROUP_NOT_OURS",
    });
  }
}

type Kill = (pid: number, signal: NodeJS.Signals) => void;

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
