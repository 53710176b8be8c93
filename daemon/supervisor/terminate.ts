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

/** Signals the process group that the child leads; nothing if it is gone. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
