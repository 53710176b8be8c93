import { watchOwner } from "./owner.mjs";

const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/**
 * Milliseconds in which further signals are the same key press: a Ctrl-C reaches the whole process group from the
 * terminal, and npm, which gets it too, sends it on.
 */
const SAME_PRESS_MS = 300;

/**
 * The two ways of being asked to end.
 *
 * @typedef {object} StopRequests
 * @property {AbortSignal} gracefully aborts at the first signal, or when npm is gone; the reason is a phrase for people
 * @property {AbortSignal} atOnce aborts at the second signal
 * @property {() => void} close gives the signals back
 */

/**
 * Listens for Ctrl-C, SIGTERM, a closed terminal and the death of who runs us: npm, or with GATEHOUSE_OWNED=1 the
 * process that holds the other end of stdin.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {StopRequests}
 */
export function listenForStop(env) {
  const first = new AbortController();
  const second = new AbortController();
  let firstSignalAt = Number.NaN;

  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    if (Number.isNaN(firstSignalAt)) {
      firstSignalAt = Date.now();
      first.abort(signal);
    } else if (Date.now() - firstSignalAt >= SAME_PRESS_MS) {
      second.abort(signal);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const endWatch = watchOwner({ env, onLost: () => first.abort("npm is gone") });
  const onEnd = () => first.abort("its owner is gone");
  if (env.GATEHOUSE_OWNED === "1") process.stdin.once("end", onEnd).once("error", onEnd).resume();

  return {
    gracefully: first.signal,
    atOnce: second.signal,
    close: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      endWatch();
      if (env.GATEHOUSE_OWNED === "1") process.stdin.off("end", onEnd).off("error", onEnd).pause();
    },
  };
}
