import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 50;
const ANSWER_TIMEOUT_MS = 2_000;
/** Milliseconds after which a model that is still loading is reported as failed; its own load_timeout_ms is shorter. */
const GIVE_UP_MS = 5 * 60_000;

/**
 * @typedef {object} ModelState
 * @property {string} name
 * @property {string} state
 * @property {boolean} required
 * @property {string} [reason]
 */

/**
 * Waits until both servers answer /readyz, or until no required model that is not ready can become so any more.
 *
 * @param {{ edgeUrl: string; daemonUrl: string; signal: AbortSignal }} options
 * @returns {Promise<string>} the one line `ready edge=<url> daemon=<url>`, with ` failed=<names>` when models failed
 */
export async function waitUntilReady({ edgeUrl, daemonUrl, signal }) {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  const [, failed] = await Promise.all([
    poll({ signal, look: async () => ((await readiness(edgeUrl)).ready ? true : undefined) }),
    poll({
      signal,
      look: async () => {
        const { ready, models } = await readiness(daemonUrl);
        return ready ? [] : failedModels({ models, late: Date.now() > giveUpAt });
      },
    }),
  ]);
  const names = (failed ?? []).map(({ name }) => name).join(",");
  return `ready edge=${edgeUrl} daemon=${daemonUrl}${names ? ` failed=${names}` : ""}`;
}

/**
 * @param {{ models: readonly ModelState[] | undefined; late: boolean }} options
 * @returns {ModelState[] | undefined} undefined while something can still become ready
 */
export function failedModels({ models, late }) {
  const missing = (models ?? []).filter(({ required, state }) => required && state !== "ready");
  if (missing.length === 0) return undefined;
  return late || missing.every(({ state }) => state === "failed") ? missing : undefined;
}

/**
 * @template T
 * @param {{ look: () => Promise<T | undefined>; signal: AbortSignal }} options
 * @returns {Promise<T | undefined>} undefined when `signal` aborted
 */
async function poll({ look, signal }) {
  while (!signal.aborted) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

/**
 * @param {string} url
 * @returns {Promise<{ ready: boolean; models?: ModelState[] }>} not ready when nobody answers
 */
function readiness(url) {
  return new Promise((resolve) => {
    const request = get(`${url}/readyz`, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      response.once("end", () => resolve({ ready: response.statusCode === 200, models: modelsOf(body) }));
      response.once("error", () => resolve({ ready: false }));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve({ ready: false }));
  });
}

/**
 * @param {string} body
 * @returns {ModelState[]}
 */
function modelsOf(body) {
  try {
    const { models } = JSON.parse(body);
    return Array.isArray(models) ? models : [];
  } catch {
    return [];
  }
}
