/** Bytes held for callers, over all models: a total, and a share that no single caller passes. */
export class ByteBudget {
  private readonly held = new Map<string, number>();
  private total = 0;

  constructor(
    readonly maxBytes: number,
    readonly maxCallerBytes: number,
  ) {}

  get heldBytes(): number {
    return this.total;
  }

  /** Counts `bytes` for `caller` if there is room for them. */
  take(caller: string, bytes: number): boolean {
    const own = this.held.get(caller) ?? 0;
    if (this.total + bytes > this.maxBytes || own + bytes > this.maxCallerBytes) return false;
    this.total += bytes;
    this.held.set(caller, own + bytes);
    return true;
  }

  /** Gives back what `take` counted. */
  give(caller: string, bytes: number): void {
    const own = (this.held.get(caller) ?? 0) - bytes;
    this.total -= bytes;
    if (own > 0) this.held.set(caller, own);
    else this.held.delete(caller);
  }
}
