/**
 * Values by id, for ids that come and go all the time. A `Map` does the same, but each time it tidies up it leaves its old table pointing to
 * its new one; once such a table is old, every minor collection keeps all that the later ones held. Here nothing points to what was removed.
 * Open addressing with linear probing; half of the places are free at all times.
 */
export class IdTable<Value> {
  private ids: number[] = [];
  private values: (Value | undefined)[] = [];
  private mask = 0;
  private count = 0;
  /** No id below this is there. */
  private lowest = 1;

  constructor() {
    this.allocate(16);
  }

  get size(): number {
    return this.count;
  }

  get(id: number): Value | undefined {
    return this.values[this.find(id)];
  }

  /** Adds an id that is not there. Ids are integers from 1. */
  add(id: number, value: Value): void {
    if (2 * (this.count + 1) > this.ids.length) this.grow();
    if (this.count === 0 || id < this.lowest) this.lowest = id;
    const at = this.find(id);
    this.ids[at] = id;
    this.values[at] = value;
    this.count++;
  }

  delete(id: number): void {
    let free = this.find(id);
    if (this.ids[free] !== id) return;
    this.count--;
    // What was pushed on by this id moves back, so that searches need no marks of what was removed.
    for (let at = (free + 1) & this.mask; this.ids[at] !== 0; at = (at + 1) & this.mask) {
      const home = (this.ids[at] as number) & this.mask;
      if (((at - home) & this.mask) < ((at - free) & this.mask)) continue;
      this.ids[free] = this.ids[at] as number;
      this.values[free] = this.values[at];
      free = at;
    }
    this.ids[free] = 0;
    this.values[free] = undefined;
  }

  /** The value with the lowest id. Takes constant time, on average, where ids rise by one. */
  get first(): Value | undefined {
    if (this.count === 0) return undefined;
    while (this.ids[this.find(this.lowest)] === 0) this.lowest++;
    return this.get(this.lowest);
  }

  /** The values in the order of their ids. */
  inOrder(): readonly Value[] {
    const places = this.ids.map((id, at) => ({ id, at })).filter(({ id }) => id !== 0);
    return places.sort((a, b) => a.id - b.id).map(({ at }) => this.values[at] as Value);
  }

  clear(): void {
    this.allocate(16);
  }

  /** The place of an id, or the free place where it belongs. */
  private find(id: number): number {
    let at = id & this.mask;
    while (this.ids[at] !== id && this.ids[at] !== 0) at = (at + 1) & this.mask;
    return at;
  }

  private grow(): void {
    const { ids, values } = this;
    this.allocate(2 * ids.length);
    ids.forEach((id, at) => {
      if (id !== 0) this.add(id, values[at] as Value);
    });
  }

  private allocate(places: number): void {
    this.ids = new Array<number>(places).fill(0);
    this.values = new Array<Value | undefined>(places).fill(undefined);
    this.mask = places - 1;
    this.count = 0;
  }
}
