const PAGE_BYTES = 64 * 1024;

/** What both of hash-wasm's modules export. */
export interface ResettableExports {
  readonly memory: WebAssembly.Memory;
}

/**
 * An instance of a small WebAssembly program that can be put back to its first moment: `reset` restores the memory it began
 * with and fills what it has grown with zeros, so that nothing of a run (buffers, state, stack) is left behind.
 */
export interface ResettableInstance<Exports extends ResettableExports> {
  readonly exports: Exports;
  /** Where the program's buffer begins. */
  readonly bufferAt: number;
  /** A view of the memory as it is now; taken again after every growth, which detaches older ones. */
  bytes(): Uint8Array;
  /** Grows the memory to hold at least `bytes`; never shrinks. Throws `RangeError` when the machine refuses. */
  growTo(bytes: number): void;
  reset(): void;
}

/** `findBuffer` is the program's own call for its buffer's address, which may set variables it wants to find again. */
export function createResettableInstance<Exports extends ResettableExports>(
  module: WebAssembly.Module,
  findBuffer: (exports: Exports) => number,
): ResettableInstance<Exports> {
  // The module is pinned by its SHA-256, so its exports are known.
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  const bytes = () => new Uint8Array(exports.memory.buffer);
  const programBytes = exports.memory.buffer.byteLength;
  const bufferAt = findBuffer(exports);
  const beginning = bytes().slice(0, programBytes);
  return {
    exports,
    bufferAt,
    bytes,
    growTo(wanted) {
      const missing = wanted - exports.memory.buffer.byteLength;
      if (missing > 0) {
        exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
      }
    },
    reset() {
      const now = bytes();
      now.set(beginning);
      now.fill(0, programBytes);
    },
  };
}
