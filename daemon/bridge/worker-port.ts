import type { WorkerError } from "../errors.ts";
import type { Segment } from "../wire/frame-reader.ts";
import type { Headers } from "../wire/messages.ts";

export type { Headers, Segment };

/** What a worker is asked, and who hears of it. A port calls exactly one of the ends, exactly once. */
export interface PortRequest {
  /** The codec that reads it, PROTOCOL.md section 7. */
  readonly route: string;
  readonly stream: boolean;
  /** Chunks granted at once. */
  readonly credit: number;
  /** Forwarded headers, as JSON. */
  readonly headersJson: string;
  readonly body: readonly Buffer[];
  readonly bodyBytes: number;
  /** When its caller stops waiting, on the clock the port was made with. */
  readonly deadlineAt: number;
  /** What the port that has it keeps of it; nobody else's business. */
  portEntry: unknown;

  /** The first byte of its frame was written: from now on it is never sent again. */
  onStarted(): void;
  /** The port keeps no byte of the body any more. Comes once, if it was started. */
  onBodyReleased(): void;
  onStart(status: number, headers: Headers): void;
  onChunk(segments: readonly Segment[]): void;

  /** End: an answer in one piece. */
  onResult(status: number, headers: Headers, segments: readonly Segment[]): void;
  /** End: the worker's error, a code of PROTOCOL.md section 4. */
  onError(code: string, message: string): void;
  /** End: the stream is whole. */
  onEnd(): void;
  /** End: the worker is gone and owed an answer. */
  onCrashed(reason: WorkerError): void;
  /** End: the worker is gone, or the request was cancelled, before its first byte was written. */
  onNotSent(): void;
}

/** One ready worker, as the scheduler sees it. */
export interface WorkerPort {
  readonly id: string;
  /** Requests it takes at a time: concurrency x max_batch. */
  readonly capacity: number;
  /** Requests it owes an end. */
  readonly inFlight: number;
  /** False while what was sent waits in our memory: send nothing more. */
  readonly writable: boolean;
  /** True while a call runs that what is sent now would wait for: better it waits where another worker may take it. */
  readonly isCalling: boolean;
  send(request: PortRequest): void;
  /** Asks the worker to stop; the request still gets its end. Nothing if it has had it. */
  cancel(request: PortRequest): void;
  /** Grants a stream `n` chunks more. */
  grant(request: PortRequest, n: number): void;
  /** Sets who is told when there is room again, after a full buffer. */
  onWritable(listener: () => void): void;
}
