/** A Worker around the engine alone, for tests and the benchmark: the modules and the hasher as the edge uses them in workerd. */
import hashWasm from "../../../src/password/generated/argon2.wasm";
import blake2b from "../../../src/password/generated/blake2b.wasm";
import simd from "../../../src/password/kernel/argon2-simd.wasm";
import jscSimd from "../../../src/password/kernel/argon2-simd-jsc.wasm";
import { createWorkersHasher } from "../../../src/runtimes/workers/hasher.ts";
import { type ConformanceCase, checkConformance } from "./conformance.ts";

const development = createWorkersHasher({ profile: "development" });
const standard = createWorkersHasher();

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body: unknown = await request.json();
    switch (pathname) {
      case "/conformance":
        return Response.json(checkConformance({ simd, jscSimd, hashWasm, blake2b }, body as ConformanceCase[], "simd"));
      case "/hash-and-verify":
        return Response.json(await hashAndVerify());
      case "/login":
        return await logIn(body as string);
      default:
        return new Response(null, { status: 404 });
    }
  },
};

async function hashAndVerify() {
  const stored = await development.hash("пароль 🔐");
  return {
    stored,
    right: await development.verify("пароль 🔐", stored),
    wrong: await development.verify("парXYZ 🔐", stored),
    nobody: await development.verify("пароль 🔐", null),
  };
}

/** One standard hash, as a login costs; 503 when the queue is full. */
async function logIn(password: string): Promise<Response> {
  try {
    return Response.json(await standard.verify(password, null));
  } catch (error) {
    return Response.json({ code: (error as { code?: string }).code }, { status: 503 });
  }
}
