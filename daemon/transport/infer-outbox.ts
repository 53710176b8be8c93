import type { Socket } from "node:net";
import type { PortRequest } from "../bridge/worker-port.ts";
import type { Clock } from "../clock.ts";
import type { ConnectionState, WireRequest } from "../wire/connection-state.ts";
import { encodeFrame } from "../wire/frame.ts";

/** Bytes of small frames that go to the kernel in one write. */
const WRITE_BATCH_BYTES = 65_536;

/** What the connection keeps of one request. */
export class Entry implements WireRequest {
  readonly stream: boolean;
  credit: number;
  nextSeq: number | undefined = undefined;
  id = 0;
  started = false;
  startedAt = 0;
  cancelled = false;
  /** When the worker was told so, or its stream began after that. */
  cancelledAt = 0;
  /** When it was written, or its stream last moved. */
  movedAt = 0;

  constructor(readonly request: PortRequest) {
    this.stream = request.stream;
    this.credit = request.credit;
  }
}

export interface InferOutboxOptions {
  readonly socket: Socket;
  readonly state: ConnectionState<Entry>;
  readonly clock: Clock;
  /** The worker, idle until now, gets a request. */
  readonly onBusy: () => void;
}

/** Requests that a connection has taken and not written yet. Leaves them here while the socket takes no more. */
export class InferOutbox {
  private entries: Entry[] = [];
  private flushScheduled = false;

  constructor(private readonly options: InferOutboxOptions) {}

  /** Writes it at once for an idle worker; for a busy one it can wait for what else this turn of the event loop brings, and all leave in one write. */
  add(entry: Entry, workerIsIdle: boolean): void {
    this.entries.push(entry);
    if (this.flushScheduled) return;
    if (workerIsIdle) {
      this.flush();
      return;
    }
    this.flushScheduled = true;
    setImmediate(this.flush);
  }

  remove(entry: Entry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  /** Hands over all that was not written. */
  takeAll(): readonly Entry[] {
    const { entries } = this;
    this.entries = [];
    return entries;
  }

  /** Writes as much as the socket takes. */
  readonly flush = (): void => {
    this.flushScheduled = false;
    const { entries } = this;
    const { socket, state } = this.options;
    let next = 0;
    while (next < entries.length && state.phase === "ready" && !socket.writableNeedDrain && !socket.destroyed) {
      const first = next;
      let bytes = 0;
      socket.cork();
      while (next < entries.length && bytes < WRITE_BATCH_BYTES) {
        const entry = entries[next++] as Entry;
        this.write(entry);
        bytes += entry.request.bodyBytes;
      }
      socket.uncork();
      // A socket that fails here has taken not one byte of this write: its requests may go to another worker.
      if (!socket.destroyed) this.markStarted(entries, first, next);
    }
    this.entries = next === entries.length ? [] : entries.slice(next);
  };

  private write(entry: Entry): void {
    const { socket, state, clock, onBusy } = this.options;
    const { request } = entry;
    if (state.inFlight === 0) onBusy();
    entry.id = state.sendInfer(entry);
    const timeoutMs = Math.max(1, Math.ceil(request.deadlineAt - clock.now()));
    const json =
      `{"type":"infer","id":${entry.id},"route":"${request.route}","stream":${request.stream},"credit":${request.credit},` +
      `"timeoutMs":${timeoutMs},"headers":${request.headersJson},"segments":[${request.bodyBytes}]}`;
    const buffers = encodeFrame(json, request.body);
    const last = buffers.length - 1;
    for (let i = 0; i < last; i++) socket.write(buffers[i] as Buffer);
    if (last === 0) {
      socket.write(buffers[0] as Buffer);
      request.onBodyReleased();
    } else {
      socket.write(buffers[last] as Buffer, () => request.onBodyReleased());
    }
  }

  private markStarted(entries: readonly Entry[], from: number, to: number): void {
    const now = this.options.clock.now();
    for (let i = from; i < to; i++) {
      const entry = entries[i] as Entry;
      entry.started = true;
      entry.startedAt = entry.movedAt = now;
      entry.request.onStarted();
    }
  }
}
