const LOOK_MS = 25;

/** How long a stall is remembered: longer than any request waits. */
const KEPT_MS = 30_000;

/**
 * How long this process got no turn: on a machine that others use too, no answer can be seen sooner than that, and whoever answers was held up
 * as well.
 */
export class Stalls {
  private readonly seen: { readonly endedAt: number; readonly ms: number }[] = [];
  private readonly timer: NodeJS.Timeout;
  private lookedAt = performance.now();

  constructor() {
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Milliseconds of all stalls since then, together. */
  since(startedAt: number): number {
    this.look();
    return this.seen.reduce((sum, { endedAt, ms }) => (endedAt >= startedAt ? sum + ms : sum), 0);
  }

  private look(): void {
    const now = performance.now();
    const ms = now - this.lookedAt - LOOK_MS;
    this.lookedAt = now;
    if (ms > LOOK_MS) this.seen.push({ endedAt: now, ms });
    while ((this.seen[0]?.endedAt ?? now) < now - KEPT_MS) this.seen.shift();
  }
}
