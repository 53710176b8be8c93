import { createResettableInstance, type ResettableExports } from "./resettable-instance.ts";

/** BLAKE2b without a key (RFC 7693). */
export interface Blake2b {
  /** The digest of `parts`, one after another; `outputBytes` is 1 to 64. */
  digest(parts: readonly Uint8Array[], outputBytes: number): Uint8Array;
  /** Forgets everything hashed so far: input, state and stack. */
  reset(): void;
}

/** The exports of hash-wasm 4.13's BLAKE2b module that we use. */
interface Blake2bExports extends ResettableExports {
  readonly Hash_Init: (outputBits: number) => void;
  readonly Hash_Update: (byteCount: number) => void;
  readonly Hash_Final: () => void;
  readonly Hash_GetBuffer: () => number;
}

/** The size of the module's own input buffer. */
const BUFFER_BYTES = 16 * 1024;

/** BLAKE2b on hash-wasm's module; synchronous, one instance, no memory beyond its two pages. */
export function createBlake2b(module: WebAssembly.Module): Blake2b {
  const instance = createResettableInstance<Blake2bExports>(module, (exports) => exports.Hash_GetBuffer());
  const { exports, bufferAt } = instance;
  return {
    digest(parts, outputBytes) {
      const buffer = instance.bytes().subarray(bufferAt, bufferAt + BUFFER_BYTES);
      exports.Hash_Init(outputBytes * 8);
      for (const part of parts) {
        for (let start = 0; start < part.length; start += BUFFER_BYTES) {
          const chunk = part.subarray(start, start + BUFFER_BYTES);
          buffer.set(chunk);
          exports.Hash_Update(chunk.length);
        }
      }
      exports.Hash_Final();
      return buffer.slice(0, outputBytes);
    },
    reset: instance.reset,
  };
}
