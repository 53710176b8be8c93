import type { PortRequest, WorkerPort } from "../../../daemon/bridge/worker-port.ts";
import { WorkerError } from "../../../daemon/errors.ts";

/** A worker that answers when the test says so, and remembers what it was asked. */
export class FakePort implements WorkerPort {
  readonly owed: PortRequest[] = [];
  private readonly sentAt = new Map<PortRequest, number>();
  readonly cancelled = new Set<PortRequest>();
  readonly granted: number[] = [];
  writable = true;
  isGone = false;
  private listener: () => void = () => undefined;

  constructor(
    readonly id: string,
    readonly capacity: number,
    private readonly now: () => number = () => 0,
    private readonly callBeginsMs = Number.POSITIVE_INFINITY,
  ) {}

  get isCalling(): boolean {
    return this.owed.some((request) => this.now() - (this.sentAt.get(request) ?? 0) > this.callBeginsMs);
  }

  get inFlight(): number {
    return this.owed.length;
  }

  send(request: PortRequest): void {
    if (this.inFlight >= this.capacity) throw new Error("more than concurrency x max_batch");
    if (this.isCalling) throw new Error("sent to a port that is in a call");
    if (!this.writable || this.isGone) throw new Error("sent to a port that takes nothing");
    this.owed.push(request);
    this.sentAt.set(request, this.now());
    request.onStarted();
    request.onBodyReleased();
  }

  cancel(request: PortRequest): void {
    if (this.owed.includes(request)) this.cancelled.add(request);
  }

  grant(_request: PortRequest, n: number): void {
    this.granted.push(n);
  }

  onWritable(listener: () => void): void {
    this.listener = listener;
  }

  setWritable(writable: boolean): void {
    this.writable = writable;
    if (writable) this.listener();
  }

  /** Ends the request at `index` as a worker does. */
  answer(index = 0): void {
    const [request] = this.owed.splice(index, 1);
    if (request === undefined) return;
    if (this.cancelled.has(request)) request.onError("CANCELLED", "cancelled");
    else request.onResult(200, {}, []);
  }

  crash(): void {
    this.isGone = true;
    this.writable = false;
    for (const request of this.owed.splice(0)) request.onCrashed(new WorkerError("EXITED", "gone"));
  }
}
