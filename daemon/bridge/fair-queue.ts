/** Callers with nothing waiting whose lines are kept before they are forgotten. */
const MAX_EMPTY_LINES = 1_024;

/** What one caller has waiting, oldest first; what was taken or removed leaves a gap before `head` or within. */
interface Line<Item> {
  items: (Item | undefined)[];
  head: number;
  size: number;
  /** Whether the line is among those whose turn comes. */
  hasTurn: boolean;
}

/**
 * A queue that serves callers by turns, each caller's own in order of arrival. Adding and taking are constant time, removing is linear in
 * what its caller has waiting. Arrays, not maps and sets: under load those would keep much of what passes through them from the collector.
 */
export class FairQueue<Item extends { readonly caller: string }> {
  private readonly lines = new Map<string, Line<Item>>();
  private readonly turns: Line<Item>[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  sizeOf(caller: string): number {
    return this.lines.get(caller)?.size ?? 0;
  }

  add(item: Item): void {
    const line = this.lineOf(item.caller);
    line.items.push(item);
    this.grow(line);
    if (!line.hasTurn) {
      line.hasTurn = true;
      this.turns.push(line);
    }
  }

  /** Puts back an item that was taken, as the very next. */
  putBack(item: Item): void {
    const line = this.lineOf(item.caller);
    line.items.splice(line.head, 0, item);
    this.grow(line);
    if (line.hasTurn) this.turns.splice(this.turns.indexOf(line), 1);
    line.hasTurn = true;
    this.turns.unshift(line);
  }

  /** The oldest item of the caller whose turn it is. */
  take(): Item | undefined {
    for (let line = this.turns.shift(); line !== undefined; line = this.turns.shift()) {
      const item = this.takeFrom(line);
      line.hasTurn = line.size > 0;
      if (line.hasTurn) this.turns.push(line);
      if (item !== undefined) return item;
    }
    return undefined;
  }

  /** Whether the item was in the queue. */
  remove(item: Item): boolean {
    const line = this.lines.get(item.caller);
    const at = line?.items.indexOf(item, line.head) ?? -1;
    if (line === undefined || at === -1) return false;
    line.items[at] = undefined;
    this.shrink(line);
    return true;
  }

  /** Removes the newest item of the caller with the most, if that is at least `least`. */
  takeNewestOfLongest(least: number): Item | undefined {
    let longest: Line<Item> | undefined;
    for (const line of this.turns) {
      if (line.size >= least && line.size > (longest?.size ?? 0)) longest = line;
    }
    const newest = longest?.items.findLast((item) => item !== undefined);
    if (newest !== undefined) this.remove(newest);
    return newest;
  }

  /** Empties the queue; what was in it, by turns. */
  takeAll(): readonly Item[] {
    const all: Item[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) all.push(item);
    return all;
  }

  private takeFrom(line: Line<Item>): Item | undefined {
    while (line.size > 0) {
      const item = line.items[line.head];
      line.items[line.head++] = undefined;
      if (item === undefined) continue;
      this.shrink(line);
      return item;
    }
    return undefined;
  }

  private grow(line: Line<Item>): void {
    line.size++;
    this.count++;
  }

  private shrink(line: Line<Item>): void {
    line.size--;
    this.count--;
    if (line.size === 0) {
      line.items = [];
      line.head = 0;
    } else if (line.head > 32 && 2 * line.head > line.items.length) {
      line.items.splice(0, line.head);
      line.head = 0;
    }
  }

  private lineOf(caller: string): Line<Item> {
    const known = this.lines.get(caller);
    if (known !== undefined) return known;
    if (this.lines.size >= MAX_EMPTY_LINES + this.turns.length) this.forgetEmptyLines();
    const line = { items: [], head: 0, size: 0, hasTurn: false };
    this.lines.set(caller, line);
    return line;
  }

  private forgetEmptyLines(): void {
    for (const [caller, line] of this.lines) if (line.size === 0 && !line.hasTurn) this.lines.delete(caller);
  }
}
