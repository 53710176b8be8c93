import { AnswerError } from "../errors.ts";
import type { ErrorShape } from "./answer-writer.ts";
import type { Exchange } from "./exchange.ts";
import { sendProblem, toProblem } from "./problem.ts";
import type { Route } from "./router.ts";
import { findModel, type InferenceDeps, runInference } from "./run-inference.ts";

/** Errors of Gatehouse's own routes: problem+json, in a stream as an event called `error`. */
export const PROBLEM_SHAPE: ErrorShape = {
  send: sendProblem,
  event: (exchange, error) => `event: error\ndata: ${JSON.stringify(toProblem(error, exchange.requestId))}\n\n`,
};

/** POST /v1/infer/:model: any JSON to the model's JSON, or to server-sent events for a caller that accepts them. */
export function inferRoute(deps: InferenceDeps): Route {
  return {
    path: "/v1/infer/:model",
    timeoutMs: ({ model = "" }) => deps.models.get(model)?.timeoutMs,
    onRefused: (error, exchange) => {
      const model = deps.models.get(exchange.params.model ?? "");
      if (model === undefined) return;
      model.countRefused(error.code);
      deps.onFail(error, exchange, undefined);
    },
    methods: {
      POST: (exchange) => {
        const model = findModel(deps.models, exchange.params.model ?? "");
        requirePlainJson(exchange);
        const kind = { route: "json", stream: acceptsEvents(exchange), errors: PROBLEM_SHAPE };
        return runInference(exchange, model, kind, deps);
      },
    },
  };
}

/** Throws AnswerError UNSUPPORTED_MEDIA_TYPE unless the body says that it is JSON, as it is. */
function requirePlainJson({ request: { headers } }: Exchange): void {
  const type = headers["content-type"];
  if (type === undefined || !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new AnswerError("UNSUPPORTED_MEDIA_TYPE", "The body must be JSON: Content-Type: application/json.");
  }
  const coding = headers["content-encoding"];
  if (coding !== undefined && !/^identity$/i.test(coding)) {
    throw new AnswerError(
      "UNSUPPORTED_MEDIA_TYPE",
      "The body must come as it is, without a Content-Encoding such as gzip.",
    );
  }
}

function acceptsEvents(exchange: Exchange): boolean {
  return exchange.request.headers.accept?.includes("text/event-stream") === true;
}
