import { setTimeout as delay } from "node:timers/promises";
import { inCheckout } from "./checkout.mjs";
import { Failure } from "./failure.mjs";
import { takeLock } from "./lock-file.mjs";

const LOOK_AGAIN_MS = 250;
/** Milliseconds to wait for another set-up: it may be downloading everything. */
const MAX_WAIT_MS = 15 * 60_000;

/**
 * Lets one set-up at a time write into the checkout; a second one waits for it.
 *
 * @param {{ signal: AbortSignal; output: NodeJS.WriteStream }} options
 * @returns {Promise<import("./lock-file.mjs").Lock>}
 */
export async function lockCheckout({ signal, output }) {
  const path = inCheckout(".set-up.lock");
  for (let waitedMs = 0; waitedMs < MAX_WAIT_MS; waitedMs += LOOK_AGAIN_MS) {
    const taken = takeLock(path);
    if ("release" in taken) return taken;
    if (waitedMs === 0) output.write(`waiting for another set-up of this checkout (process ${taken.heldBy})\n`);
    await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw new Failure("Set-up was interrupted.");
  }
  throw new Failure("Another set-up of this checkout does not come to an end. End it and try again.");
}
