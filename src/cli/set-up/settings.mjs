import { resolve } from "node:path";
import { root } from "./checkout.mjs";
import { Failure } from "./failure.mjs";

/**
 * What `npm start` reads from the environment.
 *
 * @typedef {object} StartSettings
 * @property {number} edgePort
 * @property {number} daemonPort
 * @property {string} dataDir absolute
 * @property {boolean} embeddedDatabase whether the database is PGlite under `dataDir`
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {StartSettings}
 * @throws {Failure} when a setting is not usable
 */
export function readStartSettings(env) {
  const edgePort = readPort(env, "EDGE_PORT", 8787);
  const daemonPort = readPort(env, "DAEMON_PORT", 8788);
  if (edgePort === daemonPort) {
    throw new Failure(`EDGE_PORT and DAEMON_PORT are both ${edgePort}: edge and daemon need a port each.`);
  }
  return {
    edgePort,
    daemonPort,
    dataDir: resolve(root, env.DATA_DIR || ".data"),
    embeddedDatabase: !env.DATABASE_URL,
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} name
 * @param {number} fallback
 * @returns {number}
 */
function readPort(env, name, fallback) {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new Failure(`${name} is not a port: it must be a whole number from 1 to 65535.`);
  }
  return port;
}
