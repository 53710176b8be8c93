import { join } from "node:path";
import { checkPorts } from "../set-up/check-ports.mjs";
import { prepareDataDir } from "../set-up/data-dir.mjs";
import { Failure } from "../set-up/failure.mjs";
import { installForStart } from "../set-up/install.mjs";
import { takeLock } from "../set-up/lock-file.mjs";
import { readStartSettings } from "../set-up/settings.mjs";
import { runServers } from "./run-servers.mjs";

/** @typedef {{ env: NodeJS.ProcessEnv; stop: import("../set-up/stop-requests.mjs").StopRequests }} UpOptions */

/**
 * `npm start`: all set-up, then `up`. What would keep the servers from starting is found before anything is installed.
 *
 * @param {UpOptions} options
 * @returns {Promise<number>} the exit code
 * @throws {Failure}
 */
export function start({ env, stop }) {
  return withDataDir(env, async (settings) => {
    await installForStart({ settings, signal: stop.gracefully });
    return runServers({ settings, env, stop });
  });
}

/**
 * `gatehouse up`: edge and daemon, both ended with this process.
 *
 * @param {UpOptions} options
 * @returns {Promise<number>} the exit code
 * @throws {Failure}
 */
export function up({ env, stop }) {
  return withDataDir(env, (settings) => runServers({ settings, env, stop }));
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {(settings: import("../set-up/settings.mjs").StartSettings) => Promise<number>} run
 */
async function withDataDir(env, run) {
  const settings = readStartSettings(env);
  const lock = lockDataDir(settings.dataDir);
  try {
    await checkPorts([
      { port: settings.edgePort, setting: "EDGE_PORT", who: "edge" },
      { port: settings.daemonPort, setting: "DAEMON_PORT", who: "daemon" },
    ]);
    return await run(settings);
  } finally {
    lock.release();
  }
}

/** @param {string} dataDir */
function lockDataDir(dataDir) {
  prepareDataDir(dataDir);
  const taken = takeLock(join(dataDir, "up.lock"));
  if ("release" in taken) return taken;
  throw new Failure(
    `DATA_DIR (${dataDir}) is in use by another \`npm start\` (process ${taken.heldBy}): end that one, or choose another folder with DATA_DIR=<folder>.`,
  );
}
