import { WireViolation } from "../errors.ts";
import { IdTable } from "./id-table.ts";
import type { WorkerMessage } from "./messages.ts";

export type ConnectionPhase = "starting" | "greeting" | "loading" | "ready" | "draining" | "closed";

/** What the protocol keeps of one request that a worker owes an end. */
export interface WireRequest {
  readonly stream: boolean;
  /** Chunks the worker may still send. */
  credit: number;
  /** The `seq` of the next chunk; undefined before `start`. */
  nextSeq: number | undefined;
}

/**
 * The daemon's side of one connection's state, PROTOCOL.md sections 3, 5 and 6: what may be sent, what may come. No sockets, no time.
 * Every method throws WireViolation BAD_STATE for what the state forbids.
 */
export class ConnectionState<Request extends WireRequest> {
  private readonly requests = new IdTable<Request>();
  private readonly pings: number[] = [];
  private currentPhase: ConnectionPhase = "starting";
  private wasReady = false;
  private drainSent = false;
  private lastInferId = 0;
  private lastPingId = 0;
  private lastCheckId = 0;
  private checkPending = false;
  private maxInFlight = 0;

  get phase(): ConnectionPhase {
    return this.currentPhase;
  }

  /** Requests that were sent and not ended. */
  get inFlight(): number {
    return this.requests.size;
  }

  /** Those requests, in the order they were sent. */
  get owed(): readonly Request[] {
    return this.requests.inOrder();
  }

  /** The one of them that was sent first. */
  get oldest(): Request | undefined {
    return this.requests.first;
  }

  get capacity(): number {
    return this.maxInFlight;
  }

  get pingsPending(): number {
    return this.pings.length;
  }

  get checking(): boolean {
    return this.checkPending;
  }

  sendHello(): void {
    this.require(this.currentPhase === "starting", "hello is sent once, first");
    this.currentPhase = "greeting";
  }

  /** Gives the request its id. */
  sendInfer(request: Request): number {
    this.require(this.currentPhase === "ready", "infer is sent to a ready worker only");
    this.require(this.requests.size < this.maxInFlight, "a worker has no more requests than concurrency x max_batch");
    const id = ++this.lastInferId;
    this.requests.add(id, request);
    return id;
  }

  /** Whether the request is still there to be cancelled: one that has ended needs no `cancel`. */
  sendCancel(id: number): boolean {
    this.require(id <= this.lastInferId, "cancel names a request that was sent");
    return this.requests.get(id) !== undefined;
  }

  /** Whether the request is still there to be granted more. */
  sendCredit(id: number, n: number): boolean {
    this.require(id <= this.lastInferId, "credit names a request that was sent");
    const request = this.requests.get(id);
    if (request === undefined) return false;
    request.credit += n;
    return true;
  }

  sendPing(): number {
    const phase = this.currentPhase;
    this.require(
      phase === "loading" || phase === "ready" || phase === "draining",
      "ping is sent after the worker's hello",
    );
    const id = ++this.lastPingId;
    this.pings.push(id);
    return id;
  }

  sendCheck(): number {
    this.require(this.currentPhase === "ready" && this.requests.size === 0, "check is sent to an idle worker only");
    this.require(!this.checkPending, "one check at a time");
    this.checkPending = true;
    return ++this.lastCheckId;
  }

  sendDrain(): void {
    this.require(
      this.currentPhase === "loading" || this.currentPhase === "ready",
      "drain is sent once, after the worker's hello",
    );
    this.drainSent = true;
    this.currentPhase = "draining";
  }

  /** Takes a message of the worker; gives the request it is about, if it is about one. After an end the request is forgotten. */
  receive(message: WorkerMessage): Request | undefined {
    switch (message.type) {
      case "result":
      case "error":
      case "start":
      case "chunk":
      case "end":
        return this.receiveAnswer(message);
      case "hello":
        this.require(this.currentPhase === "greeting", "the worker's hello answers the daemon's, once");
        this.currentPhase = "loading";
        return undefined;
      case "ready":
        this.receiveReady(message.concurrency * message.maxBatch);
        return undefined;
      case "failed":
        this.require(this.currentPhase !== "starting" && this.currentPhase !== "closed", "failed comes after hello");
        this.currentPhase = "closed";
        return undefined;
      case "pong":
        this.require(this.pings.shift() === message.id, "pongs answer pings, in their order");
        return undefined;
      case "health":
        this.require(this.checkPending && message.id === this.lastCheckId, "health answers a check");
        this.checkPending = false;
        return undefined;
    }
  }

  /** Ends the connection; gives the requests the worker still owed, in the order they were sent. */
  close(): readonly Request[] {
    this.currentPhase = "closed";
    const owed = this.owed;
    this.requests.clear();
    return owed;
  }

  private receiveReady(capacity: number): void {
    const crossedDrain = this.currentPhase === "draining" && this.drainSent && !this.wasReady;
    this.require(this.currentPhase === "loading" || crossedDrain, "ready comes once, after hello");
    this.wasReady = true;
    this.maxInFlight = capacity;
    if (!crossedDrain) this.currentPhase = "ready";
  }

  private receiveAnswer(message: Extract<WorkerMessage, { id: number }>): Request {
    const request = this.requests.get(message.id);
    if (request === undefined) throw violation("an answer is about a request that was sent and has not ended");
    switch (message.type) {
      case "result":
        this.require(request.nextSeq === undefined, "a stream that has started ends with end or error");
        this.requests.delete(message.id);
        break;
      case "error":
        this.requests.delete(message.id);
        break;
      case "start":
        this.require(request.stream && request.nextSeq === undefined, "start comes once, for a stream");
        request.nextSeq = 0;
        break;
      case "chunk":
        this.require(message.seq === request.nextSeq, "chunks come after start, numbered from 0");
        this.require(request.credit > 0, "no more chunks come than were granted");
        request.nextSeq = message.seq + 1;
        request.credit--;
        break;
      case "end":
        this.require(request.nextSeq !== undefined, "end comes after start");
        this.requests.delete(message.id);
        break;
    }
    return request;
  }

  private require(holds: boolean, rule: string): void {
    if (!holds) throw violation(rule);
  }
}

function violation(rule: string): WireViolation {
  return new WireViolation("BAD_STATE", `A message broke the protocol: ${rule}.`);
}
