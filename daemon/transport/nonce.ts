import { timingSafeEqual } from "node:crypto";
import { WorkerError } from "../errors.ts";
import { PROTOCOL_VERSION } from "../wire/limits.ts";
import type { WorkerHello } from "../wire/messages.ts";

/** Digits of the nonce with which the daemon proves itself; the rest is the worker's proof. */
const DAEMON_PROOF_DIGITS = 32;

/** What the daemon says in its hello: whoever knows the other half knows that it is the daemon. */
export function daemonProof(nonce: string): string {
  return nonce.slice(0, DAEMON_PROOF_DIGITS);
}

/** Why a worker's hello will not do, PROTOCOL.md; undefined when it is our worker and speaks our version. */
export function refuseHello(hello: WorkerHello, nonce: string): WorkerError | undefined {
  if (hello.protocol !== PROTOCOL_VERSION) {
    const message = `The worker speaks protocol ${hello.protocol}, the daemon ${PROTOCOL_VERSION}.`;
    return new WorkerError("PROTOCOL_VERSION", message);
  }
  if (!sameText(hello.nonce, nonce.slice(DAEMON_PROOF_DIGITS))) {
    return new WorkerError("NONCE_MISMATCH", "Whoever answers on the worker's socket is not the worker.");
  }
  return undefined;
}

function sameText(one: string, other: string): boolean {
  const a = Buffer.from(one);
  const b = Buffer.from(other);
  return a.length === b.length && timingSafeEqual(a, b);
}
