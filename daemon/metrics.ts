import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { SettledRequest } from "./bridge/scheduler.ts";
import type { ModelState, ModelStatus } from "./supervisor/supervisor.ts";

/** Seconds: from an echo's to a language model's. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const STATES: readonly ModelState[] = ["starting", "loading", "ready", "draining", "failed"];

/** What of one model is looked at when the metrics are read. */
export interface ModelGauges {
  readonly waiting: () => number;
  readonly unsettled: () => number;
  readonly status: () => ModelStatus;
}

/** Counts what happens, and gives it as Prometheus text. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly models = new Map<string, ModelGauges>();
  private readonly requests: Counter<"model" | "outcome">;
  private readonly duration: Histogram<"model">;
  private readonly queueDuration: Histogram<"model">;
  private readonly crashes: Counter<"model" | "code">;

  constructor(bufferedBytes: () => number) {
    const registers = [this.registry];
    // Its own default looks at the event loop a hundred times a second.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    this.requests = new Counter({
      name: "gatehouse_requests_total",
      help: "Requests settled, by what became of them.",
      labelNames: ["model", "outcome"],
      registers,
    });
    this.duration = new Histogram({
      name: "gatehouse_request_duration_seconds",
      help: "From a request's headers to its settlement.",
      labelNames: ["model"],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.queueDuration = new Histogram({
      name: "gatehouse_queue_duration_seconds",
      help: "From a request's headers to its first byte to a worker.",
      labelNames: ["model"],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.crashes = new Counter({
      name: "gatehouse_worker_crashes_total",
      help: "Workers that ended without being told to, by why.",
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
    new Gauge({
      name: "gatehouse_buffered_bytes",
      help: "Bytes of bodies held for callers.",
      registers,
      collect() {
        this.set(bufferedBytes());
      },
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  readonly text = (): Promise<string> => this.registry.metrics();

  addModel(name: string, gauges: ModelGauges): void {
    this.models.set(name, gauges);
  }

  countSettled(model: string, request: SettledRequest): void {
    this.requests.inc({ model, outcome: request.outcome });
    this.duration.observe({ model }, request.totalMs / 1_000);
    if (request.queueMs !== undefined) this.queueDuration.observe({ model }, request.queueMs / 1_000);
  }

  countCrash(model: string, code: string): void {
    this.crashes.inc({ model, code });
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
