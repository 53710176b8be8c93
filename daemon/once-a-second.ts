import type { Clock, Timer } from "./clock.ts";

/** Milliseconds between two lines of a kind. */
const BETWEEN_MS = 1_000;

/** Writes a line; `leftOut` is how many others of its kind were left out since the last one, undefined for none. */
type WriteLine = (leftOut: number | undefined) => void;

interface Second {
  readonly timer: Timer;
  count: number;
  /** The last of those that came in it. */
  last: WriteLine | undefined;
}

/**
 * Lets one line a second of a kind through, so that a flood of requests cannot become a flood of lines: the first at once, and the last at the
 * second's end. Kinds must be few: each has a timer while its second runs.
 */
export class OnceASecond {
  private readonly seconds = new Map<string, Second>();

  constructor(private readonly clock: Pick<Clock, "after">) {}

  /** `write` is kept for up to a second. */
  write(kind: string, write: WriteLine): void {
    const second = this.seconds.get(kind);
    if (second === undefined) {
      this.begin(kind);
      write(undefined);
      return;
    }
    second.count++;
    second.last = write;
  }

  /** Writes what waits for its second to end. */
  flush(): void {
    for (const [kind, second] of this.seconds) {
      second.timer.cancel();
      this.seconds.delete(kind);
      second.last?.(second.count - 1 || undefined);
    }
  }

  private begin(kind: string): void {
    this.seconds.set(kind, { timer: this.clock.after(BETWEEN_MS, () => this.onEnd(kind)), count: 0, last: undefined });
  }

  private onEnd(kind: string): void {
    const second = this.seconds.get(kind);
    this.seconds.delete(kind);
    if (second?.last === undefined) return;
    this.begin(kind);
    second.last(second.count - 1 || undefined);
  }
}
