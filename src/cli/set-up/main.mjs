import { start } from "../up/start.mjs";
import { Failure, fileFailure } from "./failure.mjs";
import { installEverything, installPackages } from "./install.mjs";
import { outliveReaders } from "./outlive-readers.mjs";
import { listenForStop } from "./stop-requests.mjs";

const USAGE = `usage: node src/cli/set-up.mjs start       what running needs, then edge and daemon
       node src/cli/set-up.mjs packages    the npm packages that running needs, silent when they are there
       node src/cli/set-up.mjs everything  what tests, checks and deployment need
`;

/** @type {Record<string, (stop: import("./stop-requests.mjs").StopRequests) => Promise<number>>} */
const COMMANDS = {
  start: (stop) => start({ env: process.env, stop }),
  packages: (stop) => installPackages(stop.gracefully).then(() => 0),
  everything: (stop) => installEverything(stop.gracefully).then(() => 0),
};

/**
 * Runs one of the commands of USAGE. A failure is one sentence on stderr and exit code 1.
 *
 * @param {string[]} args
 */
export async function main(args) {
  outliveReaders();
  const command = COMMANDS[args[0] ?? ""];
  if (!command || args.length > 1) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const stop = listenForStop(process.env);
  try {
    process.exitCode = await command(stop);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`gatehouse: ${describe(error, stop.gracefully)}\n`);
  } finally {
    stop.close();
  }
}

/**
 * @param {unknown} error
 * @param {AbortSignal} stopped
 */
function describe(error, stopped) {
  if (stopped.aborted) return `set-up was interrupted (${stopped.reason}).`;
  if (error instanceof Failure) return error.message;
  if (error instanceof Error && "syscall" in error && "path" in error)
    return fileFailure(error, String(error.path)).message;
  return error instanceof Error ? error.stack : String(error);
}
