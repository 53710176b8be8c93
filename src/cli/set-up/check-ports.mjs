import { createServer } from "node:net";
import { Failure } from "./failure.mjs";

/**
 * Binds each port on 127.0.0.1 for a moment, so that a taken one is told before any work is done.
 *
 * @param {readonly { port: number; setting: string; who: string }[]} ports
 * @throws {Failure} naming the first port that cannot be bound
 */
export async function checkPorts(ports) {
  for (const { port, setting, who } of ports) {
    const code = await bindOnce(port);
    if (code === "EADDRINUSE") {
      throw new Failure(
        `Port ${port}, which the ${who} wants, is taken: end what uses it, or choose another with ${setting}=<port>.`,
      );
    }
    if (code === "EACCES") {
      throw new Failure(`Port ${port} is not yours to use: choose one above 1023 with ${setting}=<port>.`);
    }
    if (code) throw new Failure(`Port ${port}, which the ${who} wants, cannot be used (${code}).`);
  }
}

/**
 * @param {number} port
 * @returns {Promise<string | undefined>} the error's code, if binding failed
 */
function bindOnce(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code ?? "unknown error"));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
