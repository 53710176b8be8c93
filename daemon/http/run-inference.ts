import type { ByteBudget } from "../bridge/byte-budget.ts";
import type { Clock } from "../clock.ts";
import { AnswerError } from "../errors.ts";
import { AnswerWriter, type ErrorShape } from "./answer-writer.ts";
import type { Exchange } from "./exchange.ts";
import { forwardedHeadersJson } from "./forwarded-headers.ts";
import { readBody } from "./read-body.ts";
import { requestTimeout } from "./request-timeout.ts";
import type { ServedModel, ServedModels } from "./served-model.ts";

export interface InferenceDeps {
  readonly models: ServedModels;
  readonly budget: ByteBudget;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  /** A request for a model that was refused, or that a worker or its deadline failed; `startedAt`, on the clock: when it was given to a worker. */
  readonly onFail: (error: AnswerError, exchange: Exchange, startedAt: number | undefined) => void;
}

export interface InferenceKind {
  /** The codec, PROTOCOL.md section 7. */
  readonly route: string;
  readonly stream: boolean;
  readonly errors: ErrorShape;
}

/** Throws AnswerError MODEL_NOT_FOUND. */
export function findModel(models: ServedModels, name: string): ServedModel {
  const model = models.get(name);
  if (model === undefined)
    throw new AnswerError("MODEL_NOT_FOUND", `There is no model ${JSON.stringify(name.slice(0, 64))} here.`);
  return model;
}

/** Reads the body and has the model's workers answer it. Throws or rejects with AnswerError while nobody else answers. */
export async function runInference(
  exchange: Exchange,
  model: ServedModel,
  kind: InferenceKind,
  deps: InferenceDeps,
): Promise<void> {
  const { budget, clock, maxBodyBytes } = deps;
  const { arrivedAt, caller } = exchange;
  const timeoutMs = requestTimeout(exchange.request, model.timeoutMs);
  const { stallMs } = model;
  const deadlineAt = arrivedAt + timeoutMs;
  const body = await readBody(exchange, { maxBytes: maxBodyBytes, budget, clock, deadlineAt, stallMs });
  const { errors } = kind;
  const writer = new AnswerWriter({
    exchange,
    errors,
    clock,
    stallMs,
    budget,
    bodyBytes: body.bytes,
    onFail: deps.onFail,
  });
  try {
    const inFlight = model.scheduler.submit(
      {
        caller,
        route: kind.route,
        stream: kind.stream,
        headersJson: forwardedHeadersJson(exchange),
        body: body.pieces,
        bodyBytes: body.bytes,
        arrivedAt,
        timeoutMs,
        streamTimeoutMs: model.streamTimeoutMs,
      },
      writer,
    );
    writer.follow(inFlight);
  } catch (error) {
    writer.bodyReleased();
    throw error;
  }
}
