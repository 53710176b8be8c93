import { AnswerError } from "./errors.ts";
import type { HttpServer } from "./http/server.ts";
import type { Log } from "./log.ts";
import type { ModelService } from "./serve-model.ts";
import type { GroupGuard } from "./supervisor/group-guard.ts";
import type { SocketFolder } from "./transport/socket-path.ts";

/** Milliseconds for the last answers to reach their callers, and for workers to leave once they have nothing to do. */
const FAREWELL_MS = 1_000;

/** Milliseconds between SIGTERM and SIGKILL for workers that did not leave. */
const KILL_GRACE_MS = 500;

/** Milliseconds between two looks at what is still in flight. */
const LOOK_MS = 10;

export interface RunningParts {
  readonly models: readonly ModelService[];
  readonly servers: readonly HttpServer[];
  readonly folder: SocketFolder;
  readonly guard: GroupGuard;
  readonly log: Log;
  readonly state: { draining: boolean };
}

/**
 * Not ready at once, no new work; what is in flight finishes, up to `drainTimeoutMs`, and what then is left is answered DRAINING.
 * Then the workers leave, and the last connection closes.
 */
export async function shutDown(parts: RunningParts, drainTimeoutMs: number): Promise<void> {
  const { models, servers, folder, guard, log, state } = parts;
  state.draining = true;
  log.info({ drainTimeoutMs }, "daemon drains");
  for (const model of models) model.pause(draining);
  await within(drainTimeoutMs, () => models.every(({ scheduler }) => scheduler.unsettled === 0));
  for (const model of models) model.end(draining);
  const closed = Promise.all(servers.map((server) => server.close()));
  const left = Promise.all(models.map((model) => model.stop()));
  await Promise.race([Promise.all([closed, left]), pause(FAREWELL_MS)]);
  for (const server of servers) server.destroy();
  for (const model of models) model.kill(KILL_GRACE_MS);
  await Promise.all([closed, left]);
  await guard.close();
  folder.remove();
  log.info("daemon has ended");
}

/** Ends everything without asking anyone. */
export function stopAtOnce({ models, servers, folder, guard }: RunningParts): void {
  for (const model of models) model.kill(0);
  void guard.close();
  for (const server of servers) server.destroy();
  folder.remove();
}

async function within(timeoutMs: number, holds: () => boolean): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (!holds() && performance.now() < endsAt) await pause(Math.min(LOOK_MS, timeoutMs));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function draining(): AnswerError {
  return new AnswerError("DRAINING", "The daemon is shutting down.", { retryAfterSeconds: 2 });
}
