/** Callers at rest that are kept before they are forgotten. */
const MAX_RESTING = 1_024;

/**
 * A number for each caller. One whose number is back to nothing is kept for a while: most come again at once, and a `Map` that forgets and
 * learns the same key a thousand times a second feeds the garbage collector.
 */
export class CallerCounts {
  private readonly counts = new Map<string, { count: number }>();
  private resting = 0;

  get(caller: string): number {
    return this.counts.get(caller)?.count ?? 0;
  }

  /** Adds to the caller's number, or takes from it, and gives what it is then. */
  add(caller: string, change: number): number {
    const known = this.counts.get(caller);
    if (known === undefined) {
      this.counts.set(caller, { count: change });
      return change;
    }
    if (known.count === 0 && change !== 0) this.resting--;
    known.count += change;
    if (known.count === 0 && change !== 0 && ++this.resting > MAX_RESTING) this.forgetResting();
    return known.count;
  }

  private forgetResting(): void {
    for (const [caller, { count }] of this.counts) if (count === 0) this.counts.delete(caller);
    this.resting = 0;
  }
}
