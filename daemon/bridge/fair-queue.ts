/**
 * A queue that serves callers by turns, each caller's own in order of arrival. Adding, taking and removing are constant time.
 */
export class FairQueue<Item extends { readonly caller: string }> {
  private readonly turns = new Map<string, Set<Item>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  sizeOf(caller: string): number {
    return this.turns.get(caller)?.size ?? 0;
  }

  add(item: Item): void {
    const own = this.turns.get(item.caller);
    if (own === undefined) this.turns.set(item.caller, new Set([item]));
    else own.add(item);
    this.count++;
  }

  /** Puts back an item that was taken, as the very next. */
  putBack(item: Item): void {
    const rest = [...this.turns].filter(([caller]) => caller !== item.caller);
    const own = this.turns.get(item.caller) ?? [];
    this.turns.clear();
    this.turns.set(item.caller, new Set([item, ...own]));
    for (const [caller, items] of rest) this.turns.set(caller, items);
    this.count++;
  }

  /** The oldest item of the caller whose turn it is. */
  take(): Item | undefined {
    for (const [caller, own] of this.turns) {
      this.turns.delete(caller);
      for (const item of own) {
        own.delete(item);
        if (own.size > 0) this.turns.set(caller, own);
        this.count--;
        return item;
      }
    }
    return undefined;
  }

  /** Whether the item was in the queue. */
  remove(item: Item): boolean {
    const own = this.turns.get(item.caller);
    if (own === undefined || !own.delete(item)) return false;
    if (own.size === 0) this.turns.delete(item.caller);
    this.count--;
    return true;
  }

  /** Removes the newest item of the caller with the most, if that is at least `least`. */
  takeNewestOfLongest(least: number): Item | undefined {
    let longest: Set<Item> | undefined;
    for (const own of this.turns.values()) {
      if (own.size >= least && own.size > (longest?.size ?? 0)) longest = own;
    }
    const newest = longest === undefined ? undefined : [...longest].at(-1);
    if (newest !== undefined) this.remove(newest);
    return newest;
  }

  /** Empties the queue; what was in it, by turns. */
  takeAll(): readonly Item[] {
    const all: Item[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) all.push(item);
    return all;
  }
}
