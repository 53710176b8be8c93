import type { Clock } from "../clock.ts";
import { AnswerError } from "../errors.ts";
import { CallerCounts } from "./caller-counts.ts";
import { FairQueue } from "./fair-queue.ts";
import { type AnswerSink, InFlight, type InFlightOwner, type Inference, type Outcome } from "./in-flight.ts";
import { pickPort } from "./pick-port.ts";
import type { WorkerPort } from "./worker-port.ts";

/** Times a request that was never started may be handed to another worker. */
const MAX_RETURNS = 1;

/** Seconds after which a refused caller may try again. */
const RETRY_AFTER_SECONDS = 1;

export interface SchedulerLimits {
  /** Requests that may wait. */
  readonly maxQueue: number;
  /** Requests one caller may have waiting or with a worker. */
  readonly maxCallerInFlight: number;
}

export interface SettledRequest {
  readonly outcome: Outcome;
  readonly stream: boolean;
  /** Milliseconds from its headers to its first byte to a worker; undefined if it never got there. */
  readonly queueMs: number | undefined;
  /** Milliseconds from its headers to its settlement. */
  readonly totalMs: number;
}

/** Makes the error of a request that is not taken. */
export type Refusal = () => AnswerError;

export type SettledListener = (request: SettledRequest) => void;

/**
 * One model's requests: who waits, who is next, which worker takes it. No request is lost: each is settled exactly once, by its
 * worker, its deadline, its caller or this scheduler.
 */
export class Scheduler implements InFlightOwner {
  private readonly queue = new FairQueue<InFlight>();
  private readonly unsettledOf = new CallerCounts();
  private ports: readonly WorkerPort[] = [];
  private refusal: Refusal | undefined = notReady;
  private isShut = false;
  /** In no order: the last takes the place of one that is settled. */
  private readonly pending: InFlight[] = [];

  constructor(
    private readonly limits: SchedulerLimits,
    private readonly clock: Clock,
    private readonly onSettled: SettledListener,
  ) {}

  /** Requests that wait for a worker. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Requests that have no answer yet, the waiting ones included. */
  get unsettled(): number {
    return this.pending.length;
  }

  addPort(port: WorkerPort): void {
    this.ports = [...this.ports, port];
    port.onWritable(() => this.dispatch());
    this.dispatch();
  }

  /** Sends nothing more to this port; what it has it still answers. */
  removePort(port: WorkerPort): void {
    this.ports = this.ports.filter((other) => other !== port);
  }

  /** Takes new requests from now on. */
  open(): void {
    this.refusal = undefined;
    this.isShut = false;
  }

  /** Refuses new requests from now on; those that wait go on waiting. */
  pause(refusal: Refusal): void {
    this.refusal = refusal;
    this.isShut = false;
  }

  /** Refuses new requests and those that wait. */
  shut(refusal: Refusal): void {
    this.refusal = refusal;
    this.isShut = true;
    for (const request of this.queue.takeAll()) request.refuse(refusal());
  }

  /** Refuses new requests and answers every one that has no answer yet, whatever its worker is doing. */
  end(refusal: Refusal): void {
    this.shut(refusal);
    for (const request of [...this.pending]) request.refuse(refusal());
  }

  /**
   * Takes a request in. Throws AnswerError MODEL_NOT_READY, DRAINING or OVERLOADED; then the sink hears nothing.
   */
  submit(inference: Inference, sink: AnswerSink): InFlight {
    if (this.refusal !== undefined) throw this.refusal();
    if (this.unsettledOf.get(inference.caller) >= this.limits.maxCallerInFlight)
      throw overloaded("You have too many requests in flight.");
    const port = this.queue.size === 0 ? pickPort(this.ports) : undefined;
    if (port === undefined) this.makeRoomFor(inference.caller);
    this.unsettledOf.add(inference.caller, 1);
    const request = new InFlight(inference, sink, this, this.clock);
    request.place = this.pending.push(request) - 1;
    if (port === undefined) this.queue.add(request);
    else request.sendTo(port);
    return request;
  }

  withdraw(request: InFlight): void {
    this.queue.remove(request);
  }

  returned(request: InFlight): void {
    if (request.returns > MAX_RETURNS) {
      request.refuse(new AnswerError("WORKER_CRASHED", "The model's workers ended before they took this request."));
      return;
    }
    if (this.isShut && this.refusal !== undefined) {
      request.refuse(this.refusal());
      return;
    }
    this.queue.putBack(request);
    this.dispatch();
  }

  slotFreed(): void {
    this.dispatch();
  }

  settled(request: InFlight, outcome: Outcome): void {
    this.unsettledOf.add(request.caller, -1);
    const last = this.pending.pop();
    if (last !== undefined && last !== request) {
      this.pending[request.place] = last;
      last.place = request.place;
    }
    const { startedAt, arrivedAt } = request;
    this.onSettled({
      outcome,
      stream: request.stream,
      queueMs: startedAt === undefined ? undefined : startedAt - arrivedAt,
      totalMs: this.clock.now() - arrivedAt,
    });
  }

  private dispatch(): void {
    while (this.queue.size > 0) {
      const port = pickPort(this.ports);
      if (port === undefined) return;
      this.queue.take()?.sendTo(port);
    }
  }

  /** A full queue sheds the newest request of whoever has the most waiting, so that one caller cannot shut out another. */
  private makeRoomFor(caller: string): void {
    if (this.queue.size < this.limits.maxQueue) return;
    const shed = this.queue.takeNewestOfLongest(this.queue.sizeOf(caller) + 2);
    if (shed === undefined) throw overloaded("The model's queue is full.");
    shed.refuse(overloaded("The model's queue is full, and you have the most in it."));
  }
}

/** The refusal of a model without a ready worker. */
export function notReady(): AnswerError {
  return new AnswerError("MODEL_NOT_READY", "The model has no ready worker yet.", {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

function overloaded(message: string): AnswerError {
  return new AnswerError("OVERLOADED", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
