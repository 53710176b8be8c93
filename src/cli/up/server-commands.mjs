import { programArgs } from "../set-up/programs.mjs";

/** Milliseconds that edge and daemon get to finish what they are at. */
export const DRAIN_TIMEOUT_MS = 3_000;

/**
 * How one server is started.
 *
 * @typedef {object} ServerCommand
 * @property {"edge" | "daemon"} name
 * @property {string} url where it will answer
 * @property {string[]} args for Node
 * @property {NodeJS.ProcessEnv} env
 */

/**
 * What edge and daemon must know of each other, as arguments and environment. What the environment already says of
 * APP_ORIGIN, DAEMON_URL and DAEMON_AUDIENCE stays; where the daemon listens and whom it believes is ours to say.
 *
 * @param {{ settings: import("../set-up/settings.mjs").StartSettings; env: NodeJS.ProcessEnv }} options
 * @returns {{ edge: ServerCommand; daemon: ServerCommand }}
 */
export function serverCommands({ settings: { edgePort, daemonPort, dataDir }, env }) {
  const edgeUrl = `http://127.0.0.1:${edgePort}`;
  const daemonUrl = `http://127.0.0.1:${daemonPort}`;
  const shared = {
    ...env,
    DATA_DIR: dataDir,
    DAEMON_AUDIENCE: env.DAEMON_AUDIENCE || "gatehouse-daemon",
    DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS),
    GATEHOUSE_OWNED: "1",
  };
  return {
    edge: {
      name: "edge",
      url: edgeUrl,
      args: [...programArgs("gatehouse"), "edge", "--host", "127.0.0.1", "--port", String(edgePort)],
      env: { ...shared, DAEMON_URL: env.DAEMON_URL || daemonUrl },
    },
    daemon: {
      name: "daemon",
      url: daemonUrl,
      args: programArgs("daemon"),
      env: {
        ...shared,
        DAEMON_LISTEN: `127.0.0.1:${daemonPort}`,
        DAEMON_JWKS: `${edgeUrl}/.well-known/jwks.json`,
        DAEMON_ISSUER: env.APP_ORIGIN && URL.canParse(env.APP_ORIGIN) ? new URL(env.APP_ORIGIN).origin : edgeUrl,
      },
    },
  };
}
