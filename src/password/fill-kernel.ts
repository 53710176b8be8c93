import type { Argon2Parameters } from "./parameters.ts";

/** Argon2's variants by the number RFC 9106 gives them; passwords are always hashed with Argon2id, the others are for vectors. */
export const VARIANT = { d: 0, i: 1, id: 2 } as const;
export type Variant = keyof typeof VARIANT;

export const BLOCK_BYTES = 1024;

/** One filling of Argon2's memory. */
export interface Filling extends Argon2Parameters {
  readonly variant: Variant;
  /** Blocks in each lane: a multiple of four (RFC 9106 section 3.2 step 3: m' / p). */
  readonly laneBlocks: number;
}

/**
 * The part of Argon2 that takes all the time and memory: filling the blocks from the first two of each lane (RFC 9106 section
 * 3.2, steps 5 to 7). One filling at a time; a kernel that threw is not to be used again.
 */
export interface FillKernel {
  /** Room for the blocks of `filling`, lane after lane, for the caller to write the first two of each lane into. */
  prepare(filling: Filling): Uint8Array;
  /** Fills, and returns the exclusive or of the lanes' last blocks: a view that `wipe` clears. */
  fill(filling: Filling): Uint8Array;
  /** Clears every byte that a filling wrote. Call it after each, also after one that threw. */
  wipe(): void;
}
