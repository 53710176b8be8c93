import type { WorkerPort } from "./worker-port.ts";

/** The port with the smallest part of its capacity taken, among those that can take it now; of equal ones the first. */
export function pickPort(ports: readonly WorkerPort[]): WorkerPort | undefined {
  let best: WorkerPort | undefined;
  let bestLoad = 1;
  for (const port of ports) {
    const load = port.inFlight / port.capacity;
    if (load < bestLoad && port.writable && !port.isCalling) {
      best = port;
      bestLoad = load;
    }
  }
  return best;
}
