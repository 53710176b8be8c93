import type { Route } from "./router.ts";

/** Prometheus' text and its content type. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

/** GET /metrics. */
export function metricsRoute(metrics: MetricsText): Route {
  return {
    path: "/metrics",
    methods: {
      GET: async (exchange) => {
        const text = await metrics.text();
        exchange.send(200, { "content-type": metrics.contentType, "cache-control": "no-store" }, text);
      },
    },
  };
}
