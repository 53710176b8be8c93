/** The contenders in workerd. Its clock stands still while code runs, so each request is one hash, and is timed from outside. */
import phi from "@phi-ag/argon2/argon2.wasm";
import openPgp from "argon2id/dist/simd.wasm";
import hashWasm from "../../../src/password/generated/argon2.wasm";
import blake2b from "../../../src/password/generated/blake2b.wasm";
import ours from "../../../src/password/kernel/argon2-simd.wasm";
import { webAssemblyContenders } from "./contenders.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    ready ??= webAssemblyContenders({ ours, hashWasm, blake2b, phi, openPgp }, { stock: false });
    const contenders = await ready;
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
    if (name === "") {
      return Response.json(contenders.map((contender) => contender.name));
    }
    await contenders.find((contender) => contender.name === name)?.hash();
    return new Response(null, { status: 204 });
  },
};

let ready: ReturnType<typeof webAssemblyContenders> | undefined;
