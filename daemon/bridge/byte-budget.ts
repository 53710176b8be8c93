import { CallerCounts } from "./caller-counts.ts";

/** Bytes held for callers, over all models: a total, and a share that no single caller passes. */
export class ByteBudget {
  private readonly held = new CallerCounts();
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
    if (this.total + bytes > this.maxBytes || this.held.get(caller) + bytes > this.maxCallerBytes) return false;
    this.total += bytes;
    this.held.add(caller, bytes);
    return true;
  }

  /** Gives back what `take` counted. */
  give(caller: string, bytes: number): void {
    this.total -= bytes;
    this.held.add(caller, -bytes);
  }
}
