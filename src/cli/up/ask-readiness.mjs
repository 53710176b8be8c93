import { get } from "node:http";

const ANSWER_TIMEOUT_MS = 2_000;

/**
 * @typedef {object} ModelState
 * @property {string} name
 * @property {string} state
 * @property {boolean} required
 * @property {string | null} [reason] of which kind it is; the daemon's log says more
 *
 * @typedef {object} Readiness
 * @property {boolean} ready
 * @property {ModelState[]} models what the daemon says of its models, else none
 * @property {string} [problem] the sentence of a problem+json answer
 */

/**
 * Asks a server's /readyz once; one that nobody answers is not ready.
 *
 * @param {string} url of the server
 * @returns {Promise<Readiness>}
 */
export function askReadiness(url) {
  return new Promise((resolve) => {
    const silent = () => resolve({ ready: false, models: [] });
    const request = get(`${url}/readyz`, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      response.once("end", () => resolve({ ready: response.statusCode === 200, ...read(body) }));
      response.once("error", silent);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", silent);
  });
}

/**
 * @param {string} body
 * @returns {{ models: ModelState[]; problem?: string }}
 */
function read(body) {
  try {
    const { models, detail } = JSON.parse(body);
    return { models: Array.isArray(models) ? models : [], ...(typeof detail === "string" ? { problem: detail } : {}) };
  } catch {
    return { models: [] };
  }
}
