import type { Blake2b } from "./blake2b.ts";
import { BLOCK_BYTES, type Filling, type FillKernel, VARIANT, type Variant } from "./fill-kernel.ts";
import type { Argon2Parameters } from "./parameters.ts";

const VERSION_0X13 = 0x13;
const SYNC_POINTS = 4;

/** What goes into one Argon2 tag besides the password (RFC 9106 section 3.1). */
export interface Argon2Input extends Argon2Parameters {
  readonly salt: Uint8Array;
  readonly tagBytes: number;
  /** The key K; empty when absent. */
  readonly secret?: Uint8Array | undefined;
  /** X; empty when absent. */
  readonly associatedData?: Uint8Array | undefined;
  /** Argon2id unless a test vector wants another. */
  readonly variant?: Variant;
}

export interface Argon2Parts {
  readonly kernel: FillKernel;
  readonly blake2b: Blake2b;
}

/**
 * Argon2, version 0x13, of `password` (RFC 9106 section 3.2). Leaves nothing of the password in either part's memory, whether it
 * returns or throws.
 */
export function argon2({ kernel, blake2b }: Argon2Parts, password: Uint8Array, input: Argon2Input): Uint8Array {
  const { memoryKiB, passes, lanes, variant = "id", tagBytes } = input;
  const laneBlocks = SYNC_POINTS * Math.floor(memoryKiB / (SYNC_POINTS * lanes));
  const filling: Filling = { memoryKiB, passes, lanes, variant, laneBlocks };
  const seed = new Uint8Array(72);
  try {
    const blocks = kernel.prepare(filling);
    seed.set(initialDigest(blake2b, password, input));
    const seedWords = new DataView(seed.buffer);
    for (let lane = 0; lane < lanes; lane += 1) {
      for (let column = 0; column < 2; column += 1) {
        seedWords.setUint32(64, column, true);
        seedWords.setUint32(68, lane, true);
        blocks.set(variableLengthDigest(blake2b, seed, BLOCK_BYTES), (lane * laneBlocks + column) * BLOCK_BYTES);
      }
    }
    return variableLengthDigest(blake2b, kernel.fill(filling), tagBytes);
  } finally {
    seed.fill(0);
    kernel.wipe();
    blake2b.reset();
  }
}

/** H0: everything that was asked for, in 64 bytes (RFC 9106 section 3.2 step 1). */
function initialDigest(blake2b: Blake2b, password: Uint8Array, input: Argon2Input): Uint8Array {
  const { lanes, tagBytes, memoryKiB, passes, variant = "id" } = input;
  const empty = new Uint8Array();
  const fields = [password, input.salt, input.secret ?? empty, input.associatedData ?? empty];
  return blake2b.digest(
    [
      littleEndian(lanes, tagBytes, memoryKiB, passes, VERSION_0X13, VARIANT[variant]),
      ...fields.flatMap((field) => [littleEndian(field.length), field]),
    ],
    64,
  );
}

/** H': a digest of any length from BLAKE2b's 64 bytes (RFC 9106 section 3.3). */
function variableLengthDigest(blake2b: Blake2b, input: Uint8Array, outputBytes: number): Uint8Array {
  const length = littleEndian(outputBytes);
  if (outputBytes <= 64) {
    return blake2b.digest([length, input], outputBytes);
  }
  const output = new Uint8Array(outputBytes);
  let link = blake2b.digest([length, input], 64);
  let at = 0;
  for (; outputBytes - at > 64; at += 32) {
    output.set(link.subarray(0, 32), at);
    link = blake2b.digest([link], Math.min(64, outputBytes - at - 32));
  }
  output.set(link, at);
  return output;
}

function littleEndian(...words: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * words.length));
  for (const [index, word] of words.entries()) {
    bytes.setUint32(4 * index, word, true);
  }
  return new Uint8Array(bytes.buffer);
}
