import type { WorkerPort } from "./worker-port.ts";

/** The port with the smallest part of its capacity taken, among those with room; of equal ones the first. */
export function pickPort(ports: readonly WorkerPort[]): WorkerPort | undefined {
  let best: WorkerPort | undefined;
  let bestLoad = 1;
  for (const port of ports) {
    if (!port.writable) continue;
    const load = port.inFlight / port.capacity;
    if (load < bestLoad) {
      best = port;
      bestLoad = load;
    }
  }
  return best;
}
