import { Agent, fetch as undiciFetch } from "undici";
import { MAX_ANSWER_WAIT_MS } from "../../inference/forward.ts";

/** Connections to the daemon at once; more requests than this wait in order. */
const MAX_CONNECTIONS = 256;

/**
 * A `fetch` for the way to the daemon. Node's own gives up after 300 s without headers or between two chunks; here the bound is
 * the forward's, and below it the model's.
 */
export function createDaemonFetch(): typeof fetch {
  const dispatcher = new Agent({
    connections: MAX_CONNECTIONS,
    headersTimeout: MAX_ANSWER_WAIT_MS,
    bodyTimeout: MAX_ANSWER_WAIT_MS,
  });
  return ((input: string | URL, init: object) =>
    undiciFetch(input, { ...init, dispatcher })) as unknown as typeof fetch;
}
