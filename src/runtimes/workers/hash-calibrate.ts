import { createDeriver } from "../../password/derivation.ts";
import blake2bModule from "../../password/generated/blake2b.wasm";
import kernelModule from "../../password/kernel/argon2-simd.wasm";
import { createSimdKernel } from "../../password/simd-kernel.ts";

const derive = createDeriver({ createKernel: () => createSimdKernel(kernelModule), blake2bModule });

/**
 * A Worker for `gatehouse hash calibrate` alone: GET `/?m=…&t=…` does one hash, `/` none. Time stands still in workerd while code
 * runs, so the command times its answers from outside.
 */
export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    const [memoryKiB, passes] = [Number(searchParams.get("m")), Number(searchParams.get("t"))];
    if (memoryKiB > 0) {
      const salt = new Uint8Array(16);
      derive({ password: new Uint8Array(16), argon2: { memoryKiB, passes, lanes: 1, salt, tagBytes: 32 } });
    }
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler;
