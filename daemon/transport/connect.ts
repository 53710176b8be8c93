import { createConnection, type Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { WorkerError } from "../errors.ts";

/** Milliseconds between two attempts while the worker does not listen yet. */
const RETRY_MS = 10;

export interface ConnectOptions {
  readonly path: string;
  /** Milliseconds for all attempts together. */
  readonly timeoutMs: number;
  /** Ends the attempts, when the worker has ended. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Connects to a worker's socket as soon as it listens. Rejects with WorkerError LOAD_TIMEOUT or EXITED. */
export async function connect(options: ConnectOptions): Promise<Socket> {
  const giveUpAt = options.clock.now() + options.timeoutMs;
  for (;;) {
    const socket = await attempt(options.path);
    if (options.signal.aborted) {
      socket?.destroy();
      throw new WorkerError("EXITED", "The worker ended before it listened on its socket.");
    }
    if (socket !== undefined) return socket;
    if (options.clock.now() >= giveUpAt)
      throw new WorkerError("LOAD_TIMEOUT", "The worker did not listen on its socket in time.");
    await new Promise<void>((resolve) => options.clock.after(RETRY_MS, resolve));
  }
}

function attempt(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}
