/** Characters of a key that is remembered at most. */
const MAX_KEY_LENGTH = 512;

/** Values by what they were made of. Callers choose the keys, so there are never more than `limit`: at one more all are forgotten. */
export class Memo<Value> {
  private readonly known = new Map<string, Value>();

  constructor(private readonly limit: number) {}

  get(key: string): Value | undefined {
    return this.known.get(key);
  }

  /** Remembers the value, and gives it. */
  keep(key: string, value: Value): Value {
    if (key.length > MAX_KEY_LENGTH) return value;
    if (this.known.size >= this.limit) this.known.clear();
    this.known.set(key, value);
    return value;
  }
}
