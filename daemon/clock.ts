import { type HeapEntry, TimerHeap } from "./timer-heap.ts";

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Time as the daemon's parts see it: passed in, so that tests can pass a clock of their own. */
export interface Clock {
  /** Milliseconds that never go back, from an arbitrary start. */
  now(): number;
  /** Calls `action` once, at least `delayMs` milliseconds from now. */
  after(delayMs: number, action: () => void): Timer;
}

class SystemTimer implements Timer, HeapEntry {
  place = -1;

  constructor(
    readonly at: number,
    readonly action: () => void,
    private readonly heap: TimerHeap<SystemTimer>,
  ) {}

  cancel(): void {
    this.heap.remove(this);
  }
}

/**
 * The process's clock, with one timer of Node's for all of ours: it is set for the earliest and left alone when that is called off. Nearly every
 * timer here is a deadline that is never reached, two a request; Node's own make a list for each, and remove it, when no other timer of the
 * same duration is set.
 */
class SystemClock implements Clock {
  private readonly heap = new TimerHeap<SystemTimer>();
  private wakesAt = Number.POSITIVE_INFINITY;
  private handle: NodeJS.Timeout | undefined;

  /** Timers that have neither fired nor been called off. */
  get pending(): number {
    return this.heap.size;
  }

  readonly now = (): number => performance.now();

  readonly after = (delayMs: number, action: () => void): Timer => {
    const timer = new SystemTimer(this.now() + delayMs, action, this.heap);
    this.heap.add(timer);
    if (timer.at < this.wakesAt) this.wakeAt(timer.at);
    return timer;
  };

  private wakeAt(at: number): void {
    clearTimeout(this.handle);
    this.wakesAt = at;
    this.handle = setTimeout(this.wake, Math.ceil(at - this.now()));
  }

  /** Node's timers come before sockets are read, and after a pause of the process (or its machine) answers may be there that came in time. */
  private readonly wake = (): void => {
    setImmediate(this.fire);
  };

  private readonly fire = (): void => {
    this.wakesAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    try {
      for (let { first } = this.heap; first !== undefined && first.at <= now; { first } = this.heap) {
        first.cancel();
        first.action();
      }
    } finally {
      const { first } = this.heap;
      if (first !== undefined && first.at < this.wakesAt) this.wakeAt(first.at);
    }
  };
}

export const systemClock: Clock & Pick<SystemClock, "pending"> = new SystemClock();
