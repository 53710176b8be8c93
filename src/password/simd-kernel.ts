import { BLOCK_BYTES, type Filling, type FillKernel, VARIANT } from "./fill-kernel.ts";

/** The exports of our own module (kernel/fill-module.mjs). Addresses are bytes in its memory. */
interface SimdExports {
  readonly memory: WebAssembly.Memory;
  readonly segment: (
    lane: number,
    lanes: number,
    laneBlocks: number,
    blocksAt: number,
    areaBlocks: number,
    areaStart: number,
  ) => void;
  readonly fill_dependent: FillSegment;
  readonly fill_independent: FillSegment;
  readonly compress: (block: number, x: number, y: number) => void;
}

type FillSegment = (block: number, previous: number, index: number, end: number, addresses: number) => void;

const PAGE_BYTES = 64 * 1024;
const SLICES = 4;
const ADDRESSES_A_BLOCK = BLOCK_BYTES / 8;

// After the module's own three scratch blocks; the blocks begin at a page of the machine, so that none crosses one.
const ZEROS_AT = 3 * BLOCK_BYTES;
const ADDRESS_INPUT_AT = 4 * BLOCK_BYTES;
const ADDRESS_LINK_AT = 5 * BLOCK_BYTES;
const RESULT_AT = 6 * BLOCK_BYTES;
const BLOCKS_AT = 8 * BLOCK_BYTES;

/** Where a segment lies (RFC 9106 section 3.4): a lane has four, one a slice. */
interface Segment {
  readonly pass: number;
  readonly slice: number;
  readonly lane: number;
}

/** Our own kernel, for engines that have WebAssembly SIMD: all of them since 2023. */
export function createSimdKernel(module: WebAssembly.Module): FillKernel {
  // The module is built from the source beside it, so its exports are known.
  const exports = new WebAssembly.Instance(module).exports as unknown as SimdExports;
  const { memory } = exports;
  let usedBytes = 0;

  const view = (at: number, blocks: number) => new Uint8Array(memory.buffer, at, blocks * BLOCK_BYTES);

  const fillSegment = (filling: Filling, { pass, slice, lane }: Segment) => {
    const { laneBlocks, lanes, variant } = filling;
    const segmentBlocks = laneBlocks / SLICES;
    const firstEver = pass === 0 && slice === 0;
    exports.segment(
      lane,
      // The first slice may refer to nothing but its own lane.
      firstEver ? 1 : lanes,
      laneBlocks,
      BLOCKS_AT,
      pass === 0 ? slice * segmentBlocks : laneBlocks - segmentBlocks,
      pass === 0 ? 0 : ((slice + 1) % SLICES) * segmentBlocks,
    );
    const laneAt = BLOCKS_AT + lane * laneBlocks * BLOCK_BYTES;
    const begin = firstEver ? 2 : 0;
    if (begin === segmentBlocks) {
      return;
    }
    const column = slice * segmentBlocks + begin;
    const block = laneAt + column * BLOCK_BYTES;
    const previous = laneAt + ((column + laneBlocks - 1) % laneBlocks) * BLOCK_BYTES;
    if (variant === "i" || (variant === "id" && pass === 0 && slice < SLICES / 2)) {
      exports.fill_independent(block, previous, begin, segmentBlocks, writeAddresses(filling, { pass, slice, lane }));
    } else {
      exports.fill_dependent(block, previous, begin, segmentBlocks, 0);
    }
  };

  /** The pseudo-random words of a whole segment (section 3.4.1.2), behind the blocks; answers where. */
  const writeAddresses = (filling: Filling, { pass, slice, lane }: Segment): number => {
    const { laneBlocks, lanes, passes, variant } = filling;
    const addressesAt = BLOCKS_AT + lanes * laneBlocks * BLOCK_BYTES;
    const input = new BigUint64Array(memory.buffer, ADDRESS_INPUT_AT, 7);
    input.set([pass, lane, slice, lanes * laneBlocks, passes, VARIANT[variant]].map(BigInt));
    for (let index = 0; index < addressBlocks(filling); index += 1) {
      input[6] = BigInt(index + 1);
      const addresses = addressesAt + index * BLOCK_BYTES;
      view(ADDRESS_LINK_AT, 1).fill(0);
      view(addresses, 1).fill(0);
      exports.compress(ADDRESS_LINK_AT, ZEROS_AT, ADDRESS_INPUT_AT);
      exports.compress(addresses, ZEROS_AT, ADDRESS_LINK_AT);
    }
    return addressesAt;
  };

  const combineLastBlocks = ({ lanes, laneBlocks }: Filling): Uint8Array => {
    const result = view(RESULT_AT, 1);
    for (let lane = 1; lane <= lanes; lane += 1) {
      const last = view(BLOCKS_AT + (lane * laneBlocks - 1) * BLOCK_BYTES, 1);
      for (const [index, byte] of last.entries()) {
        result[index] = (result[index] ?? 0) ^ byte;
      }
    }
    return result;
  };

  return {
    prepare(filling) {
      const blocks = filling.lanes * filling.laneBlocks;
      const neededBytes = BLOCKS_AT + (blocks + addressBlocks(filling)) * BLOCK_BYTES;
      const missing = neededBytes - memory.buffer.byteLength;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE_BYTES));
      }
      usedBytes = neededBytes;
      return view(BLOCKS_AT, blocks);
    },
    fill(filling) {
      for (let pass = 0; pass < filling.passes; pass += 1) {
        for (let slice = 0; slice < SLICES; slice += 1) {
          for (let lane = 0; lane < filling.lanes; lane += 1) {
            fillSegment(filling, { pass, slice, lane });
          }
        }
      }
      return combineLastBlocks(filling);
    },
    // The kernel counts on it: it xors into what a block held before, also in the first pass.
    wipe() {
      new Uint8Array(memory.buffer, 0, usedBytes).fill(0);
    },
  };
}

/** How many blocks of addresses one segment takes. */
function addressBlocks({ laneBlocks }: Filling): number {
  return Math.ceil(laneBlocks / SLICES / ADDRESSES_A_BLOCK);
}
