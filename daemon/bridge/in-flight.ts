import type { Clock, Timer } from "../clock.ts";
import { type AnswerCode, AnswerError, type WorkerError } from "../errors.ts";
import type { Segment } from "../wire/frame-reader.ts";
import type { Headers } from "../wire/messages.ts";
import type { PortRequest, WorkerPort } from "./worker-port.ts";

/** Who waits for the answer. Gets exactly one of result, fail, or start … end | fail; nothing after it has left. */
export interface AnswerSink {
  result(status: number, headers: Headers, segments: readonly Segment[]): void;
  start(status: number, headers: Headers): void;
  chunk(segments: readonly Segment[]): void;
  end(): void;
  fail(error: AnswerError): void;
  /** The daemon keeps no byte of the body any more. Comes exactly once. */
  bodyReleased(): void;
}

export interface Inference {
  /** Whose turn it counts as: the token's `sub`. */
  readonly caller: string;
  readonly route: string;
  readonly stream: boolean;
  readonly headersJson: string;
  readonly body: readonly Buffer[];
  readonly bodyBytes: number;
  /** Milliseconds on the scheduler's clock: when its headers came. */
  readonly arrivedAt: number;
  /** Milliseconds from its headers to its answer; of a stream, also each gap between two chunks. */
  readonly timeoutMs: number;
  /** Milliseconds from its headers to a stream's end. */
  readonly streamTimeoutMs: number;
}

/** What became of a request: `ok`, or the code its caller got (`CANCELLED` if the caller left). */
export type Outcome = "ok" | AnswerCode;

export interface InFlightOwner {
  /** Takes it out of the queue, if it is there. */
  withdraw(request: InFlight): void;
  /** It was not sent after all. */
  returned(request: InFlight): void;
  /** The worker owes it nothing any more: its slot is free. */
  slotFreed(request: InFlight): void;
  settled(request: InFlight, outcome: Outcome): void;
}

/** Chunks a stream may be ahead of its reader: at most 8 MiB. */
const CREDIT_WINDOW = 32;

/**
 * One request from its arrival to its one settlement, and on to the worker's end for it if that comes later.
 * Every way out goes through `settle`, and only the first counts.
 */
export class InFlight implements PortRequest {
  readonly caller: string;
  readonly route: string;
  readonly stream: boolean;
  readonly credit: number;
  readonly headersJson: string;
  readonly bodyBytes: number;
  readonly arrivedAt: number;
  body: readonly Buffer[];
  deadlineAt: number;
  /** When it was given to a worker; undefined while it waits. */
  startedAt: number | undefined;
  portEntry: unknown;
  /** Its place in the scheduler's list of what is unsettled. */
  place = 0;
  /** Times it was handed to a port and came back unsent. */
  returns = 0;
  private port: WorkerPort | undefined;
  private timer: Timer | undefined;
  private isSettled = false;
  private isReleased = false;
  private readonly streamEndsAt: number;
  private readonly timeoutMs: number;
  private creditLeft: number;
  private consumed = 0;

  constructor(
    inference: Inference,
    private readonly sink: AnswerSink,
    private readonly owner: InFlightOwner,
    private readonly clock: Clock,
  ) {
    this.caller = inference.caller;
    this.route = inference.route;
    this.stream = inference.stream;
    this.credit = inference.stream ? CREDIT_WINDOW : 0;
    this.creditLeft = this.credit;
    this.headersJson = inference.headersJson;
    this.body = inference.body;
    this.bodyBytes = inference.bodyBytes;
    this.arrivedAt = inference.arrivedAt;
    this.timeoutMs = inference.timeoutMs;
    this.deadlineAt = inference.arrivedAt + inference.timeoutMs;
    this.streamEndsAt = inference.arrivedAt + inference.streamTimeoutMs;
    this.timer = clock.after(this.deadlineAt - clock.now(), () => this.onTimer());
  }

  get settled(): boolean {
    return this.isSettled;
  }

  /** Hands it to a port. */
  sendTo(port: WorkerPort): void {
    this.port = port;
    port.send(this);
  }

  /** The caller has left. */
  cancel(): void {
    if (this.settle("CANCELLED")) this.stopWork();
  }

  /** Answers the caller with an error, whatever the worker is doing. */
  refuse(error: AnswerError): void {
    if (!this.settle(error.code)) return;
    this.sink.fail(error);
    this.stopWork();
  }

  /** The reader took `chunks` more of a stream: lets the worker go on once half the window is free. */
  consume(chunks: number): void {
    if (this.isSettled) return;
    this.consumed += chunks;
    if (this.consumed < CREDIT_WINDOW / 2) return;
    if (this.creditLeft === 0) this.deadlineAt = this.clock.now() + this.timeoutMs;
    this.creditLeft += this.consumed;
    this.port?.grant(this, this.consumed);
    this.consumed = 0;
  }

  onStarted(): void {
    this.startedAt = this.clock.now();
  }

  onBodyReleased(): void {
    this.releaseBody();
  }

  onStart(status: number, headers: Headers): void {
    if (!this.isSettled) this.sink.start(status, headers);
  }

  onChunk(segments: readonly Segment[]): void {
    if (this.isSettled) return;
    this.deadlineAt = this.clock.now() + this.timeoutMs;
    this.creditLeft--;
    this.sink.chunk(segments);
  }

  onResult(status: number, headers: Headers, segments: readonly Segment[]): void {
    if (this.settle("ok")) this.sink.result(status, headers, segments);
    this.freeSlot();
  }

  onEnd(): void {
    if (this.settle("ok")) this.sink.end();
    this.freeSlot();
  }

  onError(code: string, message: string): void {
    this.fail(workerAnswer(code, message));
    this.freeSlot();
  }

  onCrashed(reason: WorkerError): void {
    this.fail(
      new AnswerError("WORKER_CRASHED", "The model's worker ended while it had this request.", { cause: reason }),
    );
    this.freeSlot();
  }

  onNotSent(): void {
    this.port = undefined;
    if (this.isSettled) {
      this.releaseBody();
      this.owner.slotFreed(this);
      return;
    }
    this.returns++;
    this.owner.returned(this);
  }

  private onTimer(): void {
    const now = this.clock.now();
    const dueAt = this.stream ? this.nextDue(now) : this.deadlineAt;
    if (now < dueAt) {
      this.timer = this.clock.after(dueAt - now, () => this.onTimer());
      return;
    }
    this.refuse(new AnswerError("DEADLINE_EXCEEDED", "The model did not answer in time."));
  }

  /** A stream out of credit waits for its reader, and that is not the model's time. */
  private nextDue(now: number): number {
    const gapEndsAt = this.creditLeft > 0 ? this.deadlineAt : now + this.timeoutMs;
    return Math.min(gapEndsAt, this.streamEndsAt);
  }

  private fail(error: AnswerError): void {
    if (this.settle(error.code)) this.sink.fail(error);
  }

  private settle(outcome: Outcome): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.timer?.cancel();
    this.timer = undefined;
    this.owner.settled(this, outcome);
    return true;
  }

  private stopWork(): void {
    if (this.port === undefined) {
      this.owner.withdraw(this);
      this.releaseBody();
    } else {
      this.port.cancel(this);
    }
  }

  private freeSlot(): void {
    this.port = undefined;
    this.releaseBody();
    this.owner.slotFreed(this);
  }

  private releaseBody(): void {
    this.body = [];
    if (this.isReleased) return;
    this.isReleased = true;
    this.sink.bodyReleased();
  }
}

/** What a caller gets for an error of the worker, PROTOCOL.md section 4. */
function workerAnswer(code: string, message: string): AnswerError {
  switch (code) {
    case "BAD_REQUEST":
    case "MODEL_ERROR":
    case "RESULT_TOO_LARGE":
    case "DEADLINE_EXCEEDED":
      return new AnswerError(code, message);
    case "CANCELLED":
      return new AnswerError("INTERNAL", "The worker dropped a request that nobody had cancelled.");
    default:
      return new AnswerError("INTERNAL", "The worker failed.", { cause: new Error(message) });
  }
}
