import { AnswerError } from "./errors.ts";
import type { HttpServer } from "./http/server.ts";
import type { Log } from "./log.ts";
import type { OnceASecond } from "./once-a-second.ts";
import type { ModelService } from "./serve-model.ts";
import type { GroupGuard } from "./supervisor/group-guard.ts";
import type { SocketFolder } from "./transport/socket-path.ts";

/** Milliseconds for workers to leave once they have nothing to do, and at least that for the last answers to reach their callers. */
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
  readonly onceASecond: OnceASecond;
  readonly state: { draining: boolean };
}

/**
 * Not ready at once, no new work: whoever asks is answered DRAINING, on new connections too. What is in flight finishes, up to
 * `drainTimeoutMs`, and what then is left is answered DRAINING, as are uploads that are not whole by then. Then the workers leave, answers
 * under way have what is left of `drainTimeoutMs` to reach their callers, and the last connection closes.
 */
export async function shutDown(parts: RunningParts, drainTimeoutMs: number, because?: string): Promise<void> {
  const { models, servers, folder, guard, log, state } = parts;
  const endsAt = performance.now() + drainTimeoutMs;
  state.draining = true;
  log.info({ because, drainTimeoutMs, inFlight: inFlight(models) }, "daemon drains");
  for (const server of servers) server.drain();
  for (const model of models) model.pause(draining);
  await within(drainTimeoutMs, () => models.every(({ scheduler }) => scheduler.unsettled === 0));
  for (const model of models) model.end(draining);
  for (const server of servers) server.refuse(draining());
  const closed = Promise.all(servers.map((server) => server.close()));
  const left = Promise.all(models.map((model) => model.stop()));
  await Promise.all([
    endedWithin(left, FAREWELL_MS, () => {
      for (const model of models) model.kill(KILL_GRACE_MS);
    }),
    endedWithin(closed, Math.max(FAREWELL_MS, endsAt - performance.now()), () => {
      for (const server of servers) server.destroy();
    }),
  ]);
  await guard.close();
  folder.remove();
  parts.onceASecond.flush();
  log.info("daemon has ended");
}

/** Ends everything without asking anyone. */
export function stopAtOnce({ models, servers, folder, guard, log, onceASecond }: RunningParts, because?: string): void {
  onceASecond.flush();
  log.warn({ because, dropped: inFlight(models) }, "daemon ends at once");
  for (const model of models) model.kill(0);
  void guard.close();
  for (const server of servers) server.destroy();
  folder.remove();
}

/** Requests that models have not answered yet. */
function inFlight(models: readonly ModelService[]): number {
  return models.reduce((sum, { scheduler }) => sum + scheduler.unsettled, 0);
}

/** Resolves when all have ended; after `ms` it helps. */
async function endedWithin(all: Promise<unknown>, ms: number, help: () => void): Promise<void> {
  const timer = setTimeout(help, ms);
  await all;
  clearTimeout(timer);
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
