import { StartError } from "./errors.ts";
import { createLog } from "./log.ts";
import { openLogOutput } from "./log-output.ts";
import { type DaemonOptions, type RunningDaemon, runDaemon } from "./run-daemon.ts";

/** Milliseconds for the last lines of the log to reach whoever reads it. */
const LAST_LINES_MS = 500;

/**
 * Runs the daemon as the life of this process and resolves with its exit code. SIGTERM and SIGINT end it gracefully, and so does the end of
 * stdin when `GATEHOUSE_OWNED=1` says that whoever started it holds the other end; a second signal ends it at once.
 * A failure to start is one sentence on stderr and 1. Logs to stdout, from the level DAEMON_LOG_LEVEL (info) on.
 */
export async function runDaemonProcess(options: Omit<DaemonOptions, "log">): Promise<number> {
  const env = options.env ?? process.env;
  const output = openLogOutput();
  const log = createLog(env.DAEMON_LOG_LEVEL || "info", output);
  process.on("warning", (err) => log.warn({ err }, err.message));
  let daemon: RunningDaemon;
  try {
    daemon = await runDaemon({ ...options, log });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const code = await untilEnded(daemon, env);
  await output.flush(LAST_LINES_MS);
  return code;
}

/** Resolves with the exit code once the daemon has ended as it was asked to. */
function untilEnded(daemon: RunningDaemon, env: NodeJS.ProcessEnv): Promise<number> {
  // `gatehouse up` promises to be gone within 5 s, whatever models.toml says.
  const drainTimeoutMs = env.DRAIN_TIMEOUT_MS ? Number(env.DRAIN_TIMEOUT_MS) : undefined;
  return new Promise((resolve) => {
    let asked = false;
    const end = (because: string) => {
      if (asked) {
        daemon.stopNow(because);
        resolve(1);
        return;
      }
      asked = true;
      void daemon.stop(drainTimeoutMs, because).then(() => resolve(0));
    };
    process.on("SIGTERM", end);
    process.on("SIGINT", end);
    if (env.GATEHOUSE_OWNED !== "1") return;
    process.stdin.once("end", () => {
      if (!asked) end("the end of stdin: whoever owns it is gone");
    });
    process.stdin.on("error", () => undefined);
    process.stdin.resume();
  });
}
