import { setTimeout as delay } from "node:timers/promises";
import { askReadiness } from "./ask-readiness.mjs";

const POLL_MS = 50;
/** Milliseconds between two questions to a server that has said what is wrong with it: it logs each. */
const PROBLEM_POLL_MS = 1_000;
/** Milliseconds between two words to the person who waits. */
const NOTICE_MS = 10_000;
/** Milliseconds after which a model that is still loading is reported as failed; its own load_timeout_ms is shorter. */
const GIVE_UP_MS = 5 * 60_000;

/**
 * Waits until both servers answer /readyz, or until no required model that is not ready can become so any more.
 *
 * @param {object} options
 * @param {string} options.edgeUrl
 * @param {string} options.daemonUrl
 * @param {AbortSignal} options.signal
 * @param {(sentence: string) => void} options.onWaiting told every ten seconds what is still missing
 * @param {(sentence: string) => void} options.onFailed told of each model that failed, and where to read why
 * @returns {Promise<string>} the one line `ready edge=<url> daemon=<url>`, with ` failed=<names>` when models failed
 */
export async function waitUntilReady({ edgeUrl, daemonUrl, signal, onWaiting, onFailed }) {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  const edge = { url: edgeUrl, missing: "the edge does not answer yet" };
  const daemon = { url: daemonUrl, missing: "the daemon does not answer yet" };
  const notices = setInterval(() => {
    for (const { missing } of [edge, daemon]) if (missing) onWaiting(missing);
  }, NOTICE_MS);

  const edgeReady = poll(edge, signal, ({ ready, problem }) => {
    edge.missing = problem ? `the edge is not ready: ${problem}` : edge.missing;
    return ready ? [] : undefined;
  });
  const daemonReady = poll(daemon, signal, ({ ready, models }) => {
    const missing = models.filter(({ required, state }) => required && state !== "ready");
    if (missing.length > 0) {
      daemon.missing = `models are not ready: ${missing.map(({ name, state }) => `${name} (${state})`).join(", ")}`;
    }
    return ready ? [] : failedModels({ models, late: Date.now() > giveUpAt });
  });
  const [failed] = await Promise.all([daemonReady, edgeReady]);
  clearInterval(notices);
  for (const model of failed) onFailed(tell(model));
  const names = failed.map(({ name }) => name).join(",");
  return `ready edge=${edgeUrl} daemon=${daemonUrl}${names ? ` failed=${names}` : ""}`;
}

/**
 * @param {{ models: readonly import("./ask-readiness.mjs").ModelState[]; late: boolean }} options
 * @returns {import("./ask-readiness.mjs").ModelState[] | undefined} undefined while something can still become ready
 */
export function failedModels({ models, late }) {
  const missing = models.filter(({ required, state }) => required && state !== "ready");
  if (missing.length === 0) return undefined;
  return late || missing.every(({ state }) => state === "failed") ? missing : undefined;
}

/** @param {import("./ask-readiness.mjs").ModelState} model */
function tell({ name, state, reason }) {
  const kind = reason ? `: ${reason}` : ".";
  return state === "failed"
    ? `model ${name} has failed${kind} The daemon's log says why.`
    : `model ${name} is still loading${kind}`;
}

/**
 * Asks until `read` makes something of the answer.
 *
 * @template T
 * @param {{ url: string; missing: string }} server
 * @param {AbortSignal} signal
 * @param {(readiness: import("./ask-readiness.mjs").Readiness) => T[] | undefined} read
 * @returns {Promise<T[]>} empty when `signal` aborted
 */
async function poll(server, signal, read) {
  while (!signal.aborted) {
    const readiness = await askReadiness(server.url);
    const result = read(readiness);
    if (result !== undefined) {
      server.missing = "";
      return result;
    }
    await delay(readiness.problem ? PROBLEM_POLL_MS : POLL_MS, undefined, { signal }).catch(() => {});
  }
  return [];
}
