/** What a statement's values may take beyond what an open PGlite has. */
const MAX_GROWTH_BYTES = 256 * 1024 * 1024;

const PAGE_BYTES = 64 * 1024;

/**
 * Bounds the WebAssembly memories of this thread to `maxGrowthBytes` more than each has when it first grows from now on. One that
 * would grow further is refused it as a full machine would: Postgres answers `out of memory` (53200) to the statement, and goes on.
 * PGlite itself has no such setting.
 */
export function limitMemoryGrowth(maxGrowthBytes = MAX_GROWTH_BYTES): void {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  const limits = new WeakMap<WebAssembly.Memory, number>();
  prototype.grow = function (pages) {
    const { byteLength } = this.buffer;
    const limit = limits.get(this) ?? byteLength + maxGrowthBytes;
    limits.set(this, limit);
    if (byteLength + pages * PAGE_BYTES > limit) throw new RangeError("beyond the limit of the thread's memory");
    return grow.call(this, pages);
  };
}
