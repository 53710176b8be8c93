/** What a heap keeps: `at` orders it, `place` is the heap's own. */
export interface HeapEntry {
  readonly at: number;
  /** Where it is in the heap; -1 when it is in none. */
  place: number;
}

/** Entries by their time, the earliest first: a binary heap that an entry can also leave from the middle. */
export class TimerHeap<Entry extends HeapEntry> {
  private readonly entries: Entry[] = [];

  get size(): number {
    return this.entries.length;
  }

  get first(): Entry | undefined {
    return this.entries[0];
  }

  add(entry: Entry): void {
    this.rise(entry, this.entries.push(entry) - 1);
  }

  /** Takes an entry out, if it is in. */
  remove(entry: Entry): void {
    const { place } = entry;
    if (place === -1) return;
    entry.place = -1;
    const last = this.entries.pop() as Entry;
    if (last === entry) return;
    this.rise(last, place);
    this.sink(last, last.place);
  }

  private rise(entry: Entry, from: number): void {
    const { entries } = this;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = entries[above] as Entry;
      if (parent.at <= entry.at) break;
      this.put(parent, place);
      place = above;
    }
    this.put(entry, place);
  }

  private sink(entry: Entry, from: number): void {
    const { entries } = this;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      const left = entries[below];
      if (left === undefined) break;
      const right = entries[below + 1];
      let child = left;
      if (right !== undefined && right.at < left.at) {
        child = right;
        below++;
      }
      if (child.at >= entry.at) break;
      this.put(child, place);
      place = below;
    }
    this.put(entry, place);
  }

  private put(entry: Entry, place: number): void {
    this.entries[place] = entry;
    entry.place = place;
  }
}
