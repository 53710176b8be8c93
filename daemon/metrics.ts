import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Outcome } from "./bridge/in-flight.ts";
import type { SettledListener } from "./bridge/scheduler.ts";
import { DurationHistogram } from "./duration-histogram.ts";
import type { ModelState, ModelStatus } from "./supervisor/supervisor.ts";

const STATES: readonly ModelState[] = ["starting", "loading", "ready", "draining", "failed"];

/** What of one model is looked at when the metrics are read. */
export interface ModelGauges {
  readonly waiting: () => number;
  readonly unsettled: () => number;
  readonly status: () => ModelStatus;
}

/** What of the daemon as a whole is looked at when the metrics are read. */
export interface DaemonGauges {
  readonly bufferedBytes: () => number;
  readonly timers: () => number;
}

/** Counts what happens, and gives it as Prometheus text. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly models = new Map<string, ModelGauges>();
  private readonly outcomes = new Map<string, Map<Outcome, number>>();
  private readonly duration: DurationHistogram;
  private readonly queueDuration: DurationHistogram;
  private readonly crashes: Counter<"model" | "code">;
  private readonly loadFailures: Counter<"model" | "code">;

  constructor({ bufferedBytes, timers }: DaemonGauges) {
    const registers = [this.registry];
    // Its own default looks at the event loop a hundred times a second.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    const { outcomes } = this;
    new Counter({
      name: "gatehouse_requests_total",
      help: "Requests for a model, by what became of them, those that were refused included.",
      labelNames: ["model", "outcome"],
      registers,
      collect() {
        this.reset();
        for (const [model, counts] of outcomes) {
          for (const [outcome, count] of counts) this.inc({ model, outcome }, count);
        }
      },
    });
    this.duration = new DurationHistogram({
      name: "gatehouse_request_duration_seconds",
      help: "From a request's headers to its settlement.",
      registry: this.registry,
    });
    this.queueDuration = new DurationHistogram({
      name: "gatehouse_queue_duration_seconds",
      help: "From a request's headers to its first byte to a worker.",
      registry: this.registry,
    });
    this.crashes = new Counter({
      name: "gatehouse_worker_crashes_total",
      help: "Workers that ended without being told to, by why.",
      labelNames: ["model", "code"],
      registers,
    });
    this.loadFailures = new Counter({
      name: "gatehouse_worker_load_failures_total",
      help: "Workers that did not load their model, by why. No crashes.",
      labelNames: ["model", "code"],
      registers,
    });
    this.gauge("gatehouse_requests_waiting", "Requests that wait for a worker.", (model) => model.waiting());
    this.gauge("gatehouse_requests_unsettled", "Requests without an answer, the waiting ones included.", (model) =>
      model.unsettled(),
    );
    this.gauge("gatehouse_model_ready", "Whether the model has a ready worker.", (model) =>
      Number(model.status().state === "ready"),
    );
    this.gauge("gatehouse_worker_restarts", "Times the model's workers were started again.", (model) =>
      model.status().workers.reduce((sum, worker) => sum + worker.restarts, 0),
    );
    this.workerStates();
    this.total("gatehouse_buffered_bytes", "Bytes of bodies and unread answers held for callers.", bufferedBytes);
    this.total("gatehouse_timers", "Deadlines and other timers that are set.", timers);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  readonly text = (): Promise<string> => this.registry.metrics();

  /** Counts a model from now on; what is returned hears of each request that is settled. */
  addModel(name: string, gauges: ModelGauges): SettledListener {
    this.models.set(name, gauges);
    const counts = new Map<Outcome, number>();
    this.outcomes.set(name, counts);
    const duration = this.duration.of(name);
    const queueDuration = this.queueDuration.of(name);
    return ({ outcome, totalMs, queueMs }) => {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      duration.observe(totalMs / 1_000);
      if (queueMs !== undefined) queueDuration.observe(queueMs / 1_000);
    };
  }

  /** Counts a request that the model's scheduler never took: the listener of addModel does not hear of it. */
  countRefused(model: string, outcome: Outcome): void {
    const counts = this.outcomes.get(model);
    counts?.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  countCrash(model: string, code: string): void {
    this.crashes.inc({ model, code });
  }

  countLoadFailure(model: string, code: string): void {
    this.loadFailures.inc({ model, code });
  }

  private total(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  private gauge(name: string, help: string, read: (model: ModelGauges) => number): void {
    const { models } = this;
    new Gauge({
      name,
      help,
      labelNames: ["model"],
      registers: [this.registry],
      collect() {
        for (const [model, gauges] of models) this.set({ model }, read(gauges));
      },
    });
  }

  private workerStates(): void {
    const { models } = this;
    new Gauge({
      name: "gatehouse_workers",
      help: "Workers, by state.",
      labelNames: ["model", "state"],
      registers: [this.registry],
      collect() {
        for (const [model, gauges] of models) {
          const { workers } = gauges.status();
          for (const state of STATES)
            this.set({ model, state }, workers.filter((worker) => worker.state === state).length);
        }
      },
    });
  }
}
