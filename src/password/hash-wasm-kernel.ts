import { BLOCK_BYTES, type Filling, type FillKernel, VARIANT } from "./fill-kernel.ts";
import { createResettableInstance, type ResettableExports } from "./resettable-instance.ts";

/** The exports of hash-wasm 4.13's Argon2 module that we use. */
interface Argon2Exports extends ResettableExports {
  readonly Hash_GetBuffer: () => number;
  readonly Hash_Calculate: (byteCount: number, memoryKiB: number) => void;
}

const VERSION_0X13 = 0x13;

/**
 * hash-wasm's own Argon2 module, which runs everywhere: the one to use where SIMD is missing. It wants memory full of zeros, so
 * it is reset after every filling, and the parameters in a block of their own behind the others.
 */
export function createHashWasmKernel(module: WebAssembly.Module): FillKernel {
  const instance = createResettableInstance<Argon2Exports>(module, (exports) => exports.Hash_GetBuffer());
  const blocksAt = instance.bufferAt;
  const blocks = (filling: Filling) => instance.bytes().subarray(blocksAt, blocksAt + filling.memoryKiB * BLOCK_BYTES);
  return {
    prepare(filling) {
      instance.growTo(blocksAt + (filling.memoryKiB + 1) * BLOCK_BYTES);
      return blocks(filling);
    },
    fill(filling) {
      const { memoryKiB, passes, lanes, variant } = filling;
      // The module never reads the tag's length, which stands second.
      const header = Uint32Array.of(lanes, 0, memoryKiB, passes, VERSION_0X13, VARIANT[variant]);
      instance.bytes().set(new Uint8Array(header.buffer), blocksAt + memoryKiB * BLOCK_BYTES);
      instance.exports.Hash_Calculate(0, memoryKiB);
      return blocks(filling).subarray(0, BLOCK_BYTES);
    },
    wipe: instance.reset,
  };
}
