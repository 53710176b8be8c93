import type { ServerResponse } from "node:http";
import { REQUEST_ID_HEADER } from "../../src/contract/headers.ts";
import type { ByteBudget } from "../bridge/byte-budget.ts";
import type { AnswerSink, InFlight } from "../bridge/in-flight.ts";
import type { Headers, Segment } from "../bridge/worker-port.ts";
import type { Clock } from "../clock.ts";
import { AnswerError } from "../errors.ts";
import type { Exchange, LeaveListener } from "./exchange.ts";
import { ReaderWatch } from "./reader-watch.ts";

/** Headers of a worker's answer that reach the caller. */
const PASSED_HEADERS = ["content-type", "inference-header-content-length"] as const;

/** Bytes of an answer that are copied to save a system call. */
const ONE_WRITE_BYTES = 8_192;

/** How a protocol says that something went wrong. */
export interface ErrorShape {
  /** Answers with an error instead of a result. */
  send(exchange: Exchange, error: AnswerError): void;
  /** The last event of a stream that has begun and cannot go on. */
  event(exchange: Exchange, error: AnswerError): string;
}

export interface AnswerWriterOptions {
  readonly exchange: Exchange;
  readonly errors: ErrorShape;
  readonly clock: Clock;
  /** Milliseconds a reader may take nothing. */
  readonly stallMs: number;
  /** Where the body's bytes are counted. */
  readonly budget: ByteBudget;
  readonly bodyBytes: number;
  /** `startedAt`, on the clock: when the request was given to a worker. */
  readonly onFail: (error: AnswerError, exchange: Exchange, startedAt: number | undefined) => void;
}

/** Writes one answer to its caller as it comes from the worker, byte by byte as it came. */
export class AnswerWriter implements AnswerSink, LeaveListener {
  private inFlight: InFlight | undefined;
  private unread = 0;
  private readonly watch: ReaderWatch;
  private endsEvent = true;
  /** Bytes of the answer counted in the budget. */
  private heldBytes = 0;

  constructor(private readonly options: AnswerWriterOptions) {
    const { exchange, clock, stallMs } = options;
    const { response } = exchange;
    this.watch = new ReaderWatch({ response, clock, stallMs, waitingBytes: () => this.heldBytes });
  }

  /** Follows the request: cancels it when its caller leaves, and lets a stream go on as its reader reads. */
  follow(inFlight: InFlight): void {
    this.inFlight = inFlight;
    this.options.exchange.tellWhenLeft(this);
  }

  onLeave(): void {
    this.watch.stop();
    this.letGo();
    this.inFlight?.cancel();
  }

  result(status: number, headers: Headers, segments: readonly Segment[]): void {
    const { exchange } = this.options;
    const { response } = exchange;
    const length = lengthOf(segments);
    if (!this.hold(length)) {
      this.fail(tooMuchHeld());
      return;
    }
    response.writeHead(status, passedHeaders(exchange, headers, ["content-length", String(length)]));
    if (length <= ONE_WRITE_BYTES) {
      // As text it leaves together with the headers, in one write; in latin1 every byte stays what it is.
      response.end(latin1Of(segments), "latin1");
    } else {
      for (const segment of segments) for (const part of segment) response.write(part);
      response.end();
    }
    this.deliver(response);
  }

  start(status: number, headers: Headers): void {
    const { exchange } = this.options;
    exchange.response.on("drain", () => this.onDrain());
    exchange.response.writeHead(
      status,
      passedHeaders(exchange, headers, ["cache-control", "no-cache", "x-accel-buffering", "no"]),
    );
    exchange.response.flushHeaders();
    if (!headers["content-type"]?.startsWith("text/event-stream")) return;
    exchange.onProbe(() => {
      if (this.endsEvent) exchange.response.write(":\n\n");
    });
  }

  chunk(segments: readonly Segment[]): void {
    const { response } = this.options.exchange;
    for (const segment of segments) {
      for (const part of segment) {
        response.write(part);
        this.endsEvent = endsEvent(part, this.endsEvent);
      }
    }
    this.unread++;
    if (!response.writableNeedDrain) this.taken();
    else this.onFull(lengthOf(segments));
  }

  end(): void {
    this.options.exchange.response.end();
    this.deliver(this.options.exchange.response);
  }

  fail(error: AnswerError): void {
    const { exchange, errors } = this.options;
    this.watch.stop();
    this.options.onFail(error, exchange, this.inFlight?.startedAt);
    if (!exchange.response.headersSent) {
      errors.send(exchange, error);
    } else if (this.endsEvent) {
      exchange.response.end(errors.event(exchange, error));
      this.deliver(exchange.response);
    } else {
      // In the middle of an event nothing can be said any more: the missing end of the body tells the caller.
      exchange.response.destroy();
    }
  }

  bodyReleased(): void {
    const { budget, exchange, bodyBytes } = this.options;
    budget.give(exchange.caller, bodyBytes);
  }

  private onDrain(): void {
    this.watch.stop();
    this.letGo();
    this.taken();
  }

  /** The socket takes no more for now: what is written waits in our memory, and not for long. */
  private onFull(bytes: number): void {
    if (this.hold(bytes)) this.watch.start();
    else this.inFlight?.refuse(tooMuchHeld());
  }

  private taken(): void {
    const chunks = this.unread;
    this.unread = 0;
    if (chunks > 0) this.inFlight?.consume(chunks);
  }

  /** All is written; what the socket has not taken waits for the reader. */
  private deliver(response: ServerResponse): void {
    const { socket } = response;
    if (socket !== null && socket.writableLength === 0) {
      this.watch.stop();
      this.letGo();
      return;
    }
    this.watch.start();
    // Before Node's own listener, which sets the timeout of an idle connection.
    response.prependOnceListener("finish", () => this.watch.stop());
    response.once("close", () => {
      this.watch.stop();
      this.letGo();
    });
  }

  /** Counts bytes of the answer until the socket has taken them; false if the caller, or all of them, hold too much. */
  private hold(bytes: number): boolean {
    const { budget, exchange } = this.options;
    if (!budget.take(exchange.caller, bytes)) return false;
    this.heldBytes += bytes;
    return true;
  }

  private letGo(): void {
    if (this.heldBytes === 0) return;
    const { budget, exchange } = this.options;
    budget.give(exchange.caller, this.heldBytes);
    this.heldBytes = 0;
  }
}

function tooMuchHeld(): AnswerError {
  return new AnswerError("OVERLOADED", "Too many bytes of answers wait for their readers.", { retryAfterSeconds: 1 });
}

function latin1Of(segments: readonly Segment[]): string {
  let text = "";
  for (const segment of segments) for (const part of segment) text += part.toString("latin1");
  return text;
}

function lengthOf(segments: readonly Segment[]): number {
  let length = 0;
  for (const segment of segments) for (const part of segment) length += part.length;
  return length;
}

function passedHeaders(exchange: Exchange, headers: Headers, own: readonly string[]): string[] {
  const list = [REQUEST_ID_HEADER, exchange.requestId, ...own];
  for (const name of PASSED_HEADERS) {
    const value = headers[name];
    if (value !== undefined) list.push(name, value);
  }
  return list;
}

function endsEvent(part: Buffer, before: boolean): boolean {
  if (part.length === 0) return before;
  const last = part.length - 1;
  // An event ends with an empty line; a part that is a lone newline continues what came before it, which we take for unfinished.
  return part[last] === 10 && last > 0 && part[last - 1] === 10;
}
