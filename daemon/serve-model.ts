import { notReady, Scheduler } from "./bridge/scheduler.ts";
import type { Clock } from "./clock.ts";
import type { ModelSettings } from "./config.ts";
import { AnswerError } from "./errors.ts";
import type { ServedModel } from "./http/served-model.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { type ModelStatus, Supervisor } from "./supervisor/supervisor.ts";
import type { LaunchWorker } from "./supervisor/worker-life.ts";

export interface ServeModelOptions {
  readonly settings: ModelSettings;
  readonly maxCallerRequests: number;
  readonly launch: LaunchWorker;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A model's scheduler and supervisor, each hearing of the other what it must. */
export interface ModelService extends ServedModel {
  start(): void;
  /** Takes no new requests. */
  pause(refusal: () => AnswerError): void;
  /** Answers what is left with an error. */
  end(refusal: () => AnswerError): void;
  /** Lets the workers leave; resolves when none is left. */
  stop(): Promise<void>;
  /** Ends what is left of the workers: SIGTERM, `graceMs`, SIGKILL. */
  kill(graceMs: number): void;
}

export function serveModel(options: ServeModelOptions): ModelService {
  const { settings, clock, metrics } = options;
  const { name } = settings;
  const log = options.log.child({ model: name });
  const limits = { maxQueue: settings.maxQueue, maxCallerInFlight: options.maxCallerRequests };
  const scheduler = new Scheduler(limits, clock, (request) => countSettled(request));
  let paused = false;
  let lastState: string | undefined;

  const failedWorkers = new Set<number>();
  /** One that is given up while others go on leaves the model ready: nobody else would say so. */
  const tellFailedWorkers = ({ state, workers }: ModelStatus): void => {
    for (const worker of workers) {
      if (worker.state !== "failed") failedWorkers.delete(worker.index);
      else if (!failedWorkers.has(worker.index)) {
        failedWorkers.add(worker.index);
        if (state !== "failed")
          log.error({ worker: worker.index, reason: worker.reason }, "worker is failed, the others go on");
      }
    }
  };

  const supervisor = new Supervisor({
    settings,
    launch: options.launch,
    clock,
    random: options.random,
    listener: {
      onPortReady: (port) => scheduler.addPort(port),
      onPortGone: (port) => scheduler.removePort(port),
      onChanged: (status) => {
        if (!paused) follow(scheduler, status);
        tellFailedWorkers(status);
        if (status.state === lastState) return;
        lastState = status.state;
        // Why it is not ready any more was said when its worker ended, and is not why it now starts.
        if (status.state === "failed") log.error({ state: "failed", reason: status.reason }, "model is failed");
        else log.info({ state: status.state }, `model is ${status.state}`);
      },
      onLine: ({ index, pid }, { stream, level, text }) => log[level]({ worker: index, pid, stream }, text),
      onCrashed: (worker, end) => {
        const code = end.reason?.code ?? "EXITED";
        const fields = { worker: worker.index, code, reason: end.reason?.message };
        if (code === "LOAD_FAILED" || code === "LOAD_TIMEOUT") {
          metrics.countLoadFailure(name, code);
          log.warn(fields, "worker did not load its model");
        } else {
          metrics.countCrash(name, code);
          log.warn({ ...fields, readyForMs: Math.round(end.readyForMs) }, "worker crashed");
        }
      },
    },
  });

  const countSettled = metrics.addModel(name, {
    waiting: () => scheduler.waiting,
    unsettled: () => scheduler.unsettled,
    status: () => supervisor.status,
  });

  return {
    name,
    createdAt: Math.floor(Date.now() / 1_000),
    timeoutMs: settings.timeoutMs,
    streamTimeoutMs: settings.streamTimeoutMs,
    stallMs: settings.stallMs,
    scheduler,
    countRefused: (outcome) => metrics.countRefused(name, outcome),
    status: () => supervisor.status,
    interface: () => supervisor.interface,
    reload: (requestId) => reload(supervisor, { log, clock, requestId }),
    start: () => supervisor.start(),
    pause: (refusal) => {
      paused = true;
      scheduler.pause(refusal);
    },
    end: (refusal) => scheduler.end(refusal),
    stop: () => supervisor.stop(),
    kill: (graceMs) => supervisor.kill(graceMs),
  };
}

/** As the supervisor's, with a line at each end. */
async function reload(
  supervisor: Supervisor,
  { log, clock, requestId }: { readonly log: Log; readonly clock: Clock; readonly requestId: string },
): Promise<void> {
  const askedAt = clock.now();
  const took = () => ({ requestId, tookMs: Math.round(clock.now() - askedAt) });
  log.info({ requestId }, "reload was asked for");
  try {
    await supervisor.reload();
  } catch (error) {
    const { state } = supervisor.status;
    const left = state === "ready" ? "the old workers stay" : `no worker is left, the model is ${state}`;
    log.error({ ...took(), reason: (error as Error).message }, `reload failed: ${left}`);
    throw error;
  }
  log.info(took(), "reload is done");
}

/** A model takes requests while it has a ready worker; those that wait outlast a restart, but not a failure. */
function follow(scheduler: Scheduler, status: ModelStatus): void {
  if (status.state === "ready") scheduler.open();
  else if (status.state === "failed") scheduler.shut(hasFailed);
  else scheduler.pause(notReady);
}

function hasFailed(): AnswerError {
  return new AnswerError("MODEL_NOT_READY", "The model has failed; the daemon's log says why.", {
    retryAfterSeconds: 30,
  });
}
