import type { Clock, Timer } from "../../daemon/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** A clock that stands still until it is told to go. */
export class FakeClock implements Clock {
  private time = 0;
  private order = 0;
  private readonly pending = new Set<Pending>();

  readonly now = () => this.time;

  after(delayMs: number, action: () => void): Timer {
    const timer = { at: this.time + Math.max(0, delayMs), order: this.order++, action };
    this.pending.add(timer);
    return { cancel: () => this.pending.delete(timer) };
  }

  /** Timers that have not fired. */
  get timers(): number {
    return this.pending.size;
  }

  /** Lets `ms` milliseconds pass, firing what falls due in its order. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (let next = this.next(); next !== undefined && next.at <= end; next = this.next()) {
      this.time = next.at;
      this.pending.delete(next);
      next.action();
    }
    this.time = end;
  }

  /** Lets `ms` milliseconds pass without a turn of the event loop, as in a process that is stopped; then fires what has fallen due. */
  jump(ms: number): void {
    this.time += ms;
    const due = [...this.pending].filter(({ at }) => at <= this.time);
    for (const timer of due) if (this.pending.delete(timer)) timer.action();
  }

  private next(): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.pending) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}
