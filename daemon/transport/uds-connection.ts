import type { Socket } from "node:net";
import type { PortRequest, WorkerPort } from "../bridge/worker-port.ts";
import type { Clock } from "../clock.ts";
import { WireViolation, WorkerError } from "../errors.ts";
import { ConnectionState } from "../wire/connection-state.ts";
import { encodeFrame } from "../wire/frame.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { PROTOCOL_VERSION } from "../wire/limits.ts";
import {
  type DaemonMessage,
  type Health,
  maxSegmentBytes,
  parseWorkerMessage,
  type Ready,
  type WorkerHello,
  type WorkerMessage,
} from "../wire/messages.ts";
import { Entry, InferOutbox } from "./infer-outbox.ts";
import { daemonProof, refuseHello } from "./nonce.ts";

export interface ConnectionListener {
  onHello(hello: WorkerHello): void;
  onReady(ready: Ready): void;
  onHealth(health: Health): void;
  /** The connection has ended and everything it owed is settled; `undefined` when the worker closed it after `drain`. */
  onClosed(reason: WorkerError | undefined): void;
}

export interface ConnectionOptions {
  readonly id: string;
  readonly nonce: string;
  readonly maxFrameBytes: number;
  readonly clock: Clock;
  /** Milliseconds after which a request that was sent is taken to be in a call that others have to wait for. */
  readonly callBeginsMs: number;
  readonly listener: ConnectionListener;
}

/** What the health check looks at. Times are the clock's. */
export interface ConnectionActivity {
  /** Requests or a check that the worker owes. */
  readonly busy: boolean;
  /** Since when it has been `busy` or not. */
  readonly busySince: number;
  readonly lastReceivedAt: number;
  readonly pingsPending: number;
  /** When the request that has waited longest was written, or its stream last moved; undefined if none is owed. */
  readonly oldestMoveAt: number | undefined;
  /** When the stream that was cancelled first, and has not ended, was cancelled. It waits for no reader, whatever its credit. */
  readonly oldestCancelAt: number | undefined;
  /** When it was told to drain. */
  readonly drainSentAt: number | undefined;
}

/**
 * The daemon's end of one worker's socket: speaks PROTOCOL.md, and is the port the scheduler sends through.
 * Takes the connected socket over; gives every request exactly one end, at the latest when the socket closes.
 */
export class UdsConnection implements WorkerPort {
  readonly id: string;
  private readonly state = new ConnectionState<Entry>();
  private readonly reader: FrameReader;
  private readonly outbox: InferOutbox;
  /** Requests it owes an end, those in the outbox included. */
  private count = 0;
  private writableListener: () => void = () => undefined;
  private reason: WorkerError | undefined;
  private drainSentAt: number | undefined;
  private busySince: number;
  private lastReceivedAt: number;

  constructor(
    private readonly socket: Socket,
    private readonly options: ConnectionOptions,
  ) {
    this.id = options.id;
    this.busySince = this.lastReceivedAt = options.clock.now();
    this.outbox = new InferOutbox({
      socket,
      state: this.state,
      clock: options.clock,
      onBusy: () => {
        this.busySince = options.clock.now();
      },
    });
    this.reader = new FrameReader(
      (frame) => maxSegmentBytes(frame, options.maxFrameBytes),
      (frame, segments) => this.receive(parseWorkerMessage(frame, segments)),
    );
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => this.onEnd());
    socket.on("drain", () => this.onDrain());
    socket.on("error", (cause) => this.fail(new WorkerError("EXITED", "The worker's connection broke.", { cause })));
    socket.on("close", () => this.onClose());
    this.state.sendHello();
    const nonce = daemonProof(options.nonce);
    this.write({ type: "hello", protocol: PROTOCOL_VERSION, nonce, maxFrameBytes: options.maxFrameBytes });
  }

  get capacity(): number {
    return this.state.capacity;
  }

  get inFlight(): number {
    return this.count;
  }

  get writable(): boolean {
    return this.state.phase === "ready" && !this.socket.writableNeedDrain && !this.socket.destroyed;
  }

  get isCalling(): boolean {
    const { clock, callBeginsMs } = this.options;
    // Of most models none is ever waited for, and this is asked for each request.
    if (callBeginsMs === Number.POSITIVE_INFINITY) return false;
    const { oldest } = this.state;
    return oldest?.started === true && clock.now() - oldest.startedAt > callBeginsMs;
  }

  get activity(): ConnectionActivity {
    let oldestMoveAt: number | undefined;
    let oldestCancelAt: number | undefined;
    for (const entry of this.state.owed) {
      if (!entry.started) continue;
      const isStreaming = entry.nextSeq !== undefined;
      if (isStreaming && entry.cancelled)
        oldestCancelAt = Math.min(oldestCancelAt ?? entry.cancelledAt, entry.cancelledAt);
      // A stream out of credit waits for its reader.
      else if (!isStreaming || entry.credit > 0) oldestMoveAt = Math.min(oldestMoveAt ?? entry.movedAt, entry.movedAt);
    }
    return {
      busy: this.state.inFlight > 0 || this.state.checking,
      busySince: this.busySince,
      lastReceivedAt: this.lastReceivedAt,
      pingsPending: this.state.pingsPending,
      oldestMoveAt,
      oldestCancelAt,
      drainSentAt: this.drainSentAt,
    };
  }

  /** Whether the worker was told to drain and owes nothing any more. */
  get drained(): boolean {
    return this.state.phase === "draining" && this.state.inFlight === 0;
  }

  onWritable(listener: () => void): void {
    this.writableListener = listener;
  }

  send(request: PortRequest): void {
    const entry = new Entry(request);
    request.portEntry = entry;
    this.count++;
    this.outbox.add(entry, this.count === 1);
  }

  cancel(request: PortRequest): void {
    const entry = request.portEntry;
    if (!(entry instanceof Entry) || entry.cancelled) return;
    entry.cancelled = true;
    entry.cancelledAt = this.options.clock.now();
    if (!entry.started) {
      this.outbox.remove(entry);
      this.returnUnsent(entry);
    } else if (this.state.phase !== "closed" && this.state.sendCancel(entry.id)) {
      this.write({ type: "cancel", id: entry.id });
    }
  }

  grant(request: PortRequest, n: number): void {
    const entry = request.portEntry;
    if (!(entry instanceof Entry) || !entry.started || this.state.phase === "closed") return;
    if (!this.state.sendCredit(entry.id, n)) return;
    entry.movedAt = this.options.clock.now();
    this.write({ type: "credit", id: entry.id, n });
  }

  ping(): void {
    if (this.state.phase === "closed") return;
    this.write({ type: "ping", id: this.state.sendPing() });
  }

  /** Asks for `check_health`, if the worker is idle. */
  check(): void {
    if (this.state.phase !== "ready" || this.inFlight > 0 || this.state.checking) return;
    const id = this.state.sendCheck();
    this.busySince = this.options.clock.now();
    this.write({ type: "check", id });
  }

  /** No `infer` goes out any more; the worker finishes what it has and leaves. */
  drain(): void {
    if (this.state.phase !== "ready" && this.state.phase !== "loading") return;
    const unsent = this.outbox.takeAll();
    this.state.sendDrain();
    this.drainSentAt = this.options.clock.now();
    this.write({ type: "drain" });
    for (const entry of unsent) this.returnUnsent(entry);
  }

  /** Ends the connection at once, with everything it owes. */
  destroy(reason: WorkerError): void {
    this.fail(reason);
  }

  private onDrain(): void {
    this.outbox.flush();
    if (this.writable) this.writableListener();
  }

  private onData(chunk: Buffer): void {
    this.lastReceivedAt = this.options.clock.now();
    if (this.state.phase === "closed") return;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof WireViolation)) throw error;
      this.failWith(error);
    }
  }

  private onEnd(): void {
    if (this.state.phase === "closed") return;
    try {
      this.reader.end();
    } catch (error) {
      if (!(error instanceof WireViolation)) throw error;
      this.failWith(error);
    }
    this.socket.destroy();
  }

  private failWith(violation: WireViolation): void {
    const message = `The worker broke the protocol (${violation.code}): ${violation.message}`;
    this.fail(new WorkerError("VIOLATION", message, { cause: violation }));
  }

  private fail(reason: WorkerError): void {
    this.reason ??= reason;
    this.socket.destroy();
  }

  private onClose(): void {
    // A connection that breaks, as when a ping is on its way to a worker that leaves, ends like one that is closed.
    const drained = this.drained && (this.reason === undefined || this.reason.code === "EXITED");
    const reason = this.reason ?? new WorkerError("EXITED", "The worker closed its connection.");
    const unsent = this.outbox.takeAll();
    for (const entry of this.state.close()) {
      if (entry.started) this.crash(entry, reason);
      else this.returnUnsent(entry);
    }
    for (const entry of unsent) this.returnUnsent(entry);
    this.options.listener.onClosed(drained ? undefined : reason);
  }

  private receive(message: WorkerMessage): void {
    if (this.state.phase === "closed") return;
    const entry = this.state.receive(message);
    if (entry !== undefined) this.answer(entry, message);
    else this.receiveOther(message);
  }

  private answer(entry: Entry, message: WorkerMessage): void {
    const { request } = entry;
    switch (message.type) {
      case "result":
        this.forget(entry);
        request.onResult(message.status, message.headers, message.segments);
        break;
      case "error":
        this.forget(entry);
        request.onError(message.code, message.message);
        break;
      case "end":
        this.forget(entry);
        request.onEnd();
        break;
      case "start":
        entry.movedAt = entry.cancelledAt = this.lastReceivedAt;
        request.onStart(message.status, message.headers);
        break;
      case "chunk":
        entry.movedAt = this.lastReceivedAt;
        request.onChunk(message.segments);
        break;
    }
  }

  private receiveOther(message: WorkerMessage): void {
    const { listener } = this.options;
    switch (message.type) {
      case "hello":
        this.greet(message);
        break;
      case "ready":
        if (this.state.phase === "ready") listener.onReady(message);
        break;
      case "failed":
        this.fail(new WorkerError(failureCode(message.code), message.message));
        break;
      case "health":
        if (this.state.inFlight === 0) this.busySince = this.lastReceivedAt;
        listener.onHealth(message);
        break;
    }
  }

  private greet(hello: WorkerHello): void {
    const refusal = refuseHello(hello, this.options.nonce);
    if (refusal === undefined) this.options.listener.onHello(hello);
    else this.fail(refusal);
  }

  private forget(entry: Entry): void {
    this.release(entry);
    if (this.state.inFlight === 0 && !this.state.checking) this.busySince = this.lastReceivedAt;
  }

  private release(entry: Entry): void {
    entry.request.portEntry = undefined;
    this.count--;
  }

  private crash(entry: Entry, reason: WorkerError): void {
    this.release(entry);
    entry.request.onCrashed(reason);
  }

  private returnUnsent(entry: Entry): void {
    this.release(entry);
    entry.request.onNotSent();
  }

  private write(message: DaemonMessage): void {
    for (const buffer of encodeFrame(JSON.stringify(message))) this.socket.write(buffer);
  }
}

function failureCode(code: string): "LOAD_FAILED" | "PROTOCOL_VERSION" | "CALL_TIMEOUT" | "EXITED" {
  return code === "LOAD_FAILED" || code === "PROTOCOL_VERSION" || code === "CALL_TIMEOUT" ? code : "EXITED";
}
