/**
 * Until when PGlite's thread may be busy with one call, in memory shared with whoever watches it: PGlite has no statement timeout,
 * and while it is busy its thread does nothing else.
 */
export class BusyDeadline {
  /** On the clock of `process.hrtime`, which all threads share; 0 while it is not busy. */
  constructor(readonly cell: BigInt64Array = new BigInt64Array(new SharedArrayBuffer(8))) {}

  /** Does `work`, which may take so long. */
  async within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    Atomics.store(this.cell, 0, process.hrtime.bigint() + BigInt(limitMs) * 1_000_000n);
    try {
      return await work();
    } finally {
      Atomics.store(this.cell, 0, 0n);
    }
  }

  get hasPassed(): boolean {
    const deadline = Atomics.load(this.cell, 0);
    return deadline !== 0n && process.hrtime.bigint() > deadline;
  }
}
