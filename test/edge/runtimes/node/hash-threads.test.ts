import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Derivation } from "../../../../src/password/derivation.ts";
import { createThreadPool, type HashThread } from "../../../../src/password/thread-pool.ts";
import { loadHashModules } from "../../../../src/runtimes/node/hash-modules.ts";
import { hashThreadProgram } from "../../../../src/runtimes/node/hash-thread-program.ts";
import { startHashThread } from "../../../../src/runtimes/node/start-hash-thread.ts";

const modules = loadHashModules("argon2-simd.wasm");

const derivation = (memoryKiB: number): Derivation => ({
  password: new TextEncoder().encode("correct horse"),
  argon2: { memoryKiB, passes: 1, lanes: 1, salt: new Uint8Array(16), tagBytes: 32 },
});

function createWatchedPool() {
  const started: HashThread[] = [];
  const pool = createThreadPool({
    threads: 2,
    maxWaiting: 8,
    maxWaitMs: 10_000,
    startThread: () => {
      const thread = startHashThread(hashThreadProgram(), modules);
      started.push(thread);
      return thread;
    },
  });
  return { pool, started };
}

describe("hash threads", () => {
  it("start when they are needed, and serve one hash after another", async () => {
    const { pool, started } = createWatchedPool();
    expect(started).toHaveLength(0);
    await pool.derive(derivation(8), undefined);
    await pool.derive(derivation(8), undefined);
    expect(started).toHaveLength(1);
    await Promise.all([pool.derive(derivation(8), undefined), pool.derive(derivation(8), undefined)]);
    expect(started).toHaveLength(2);
    await pool.close();
  });

  it("take only their own hash with them when they die, and are replaced", async () => {
    const { pool, started } = createWatchedPool();
    const working = [pool.derive(derivation(65_536), undefined), pool.derive(derivation(65_536), undefined)];
    await setImmediate();
    expect(started).toHaveLength(2);
    await started[0]?.end();
    const settled = await Promise.allSettled(working);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(settled[0]).toMatchObject({ reason: { code: "HASHER_FAILED" } });
    const after = await Promise.all([pool.derive(derivation(8), undefined), pool.derive(derivation(8), undefined)]);
    expect(after[0]).toEqual(after[1]);
    expect(started).toHaveLength(3);
    await pool.close();
  });

  it("report a failure of the engine, live on, and work again", async () => {
    const thread = startHashThread(hashThreadProgram(), modules);
    // Four TiB are more than WebAssembly can hold.
    await expect(thread.derive(derivation(2 ** 32 - 1))).rejects.toMatchObject({ code: "HASHER_FAILED" });
    expect(thread.alive).toBe(true);
    expect(await thread.derive(derivation(8))).toHaveLength(32);
    await thread.end();
    expect(thread.alive).toBe(false);
  });

  it("fail when their program cannot start", async () => {
    const thread = startHashThread(new URL("data:text/javascript,throw new Error('broken')"), modules);
    await expect(thread.derive(derivation(8))).rejects.toMatchObject({ code: "HASHER_FAILED" });
    expect(thread.alive).toBe(false);
  });

  it("use hash-wasm's kernel where there is no SIMD, and give the same tags", async () => {
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    const fallback = loadHashModules("argon2-simd.wasm");
    WebAssembly.validate = validate;
    expect(fallback.kernel).toBe("hash-wasm");
    const threads = [startHashThread(hashThreadProgram(), fallback), startHashThread(hashThreadProgram(), modules)];
    const [slow, fast] = await Promise.all(threads.map((thread) => thread.derive(derivation(4096))));
    expect(slow).toEqual(fast);
    await Promise.all(threads.map((thread) => thread.end()));
  });

  it("get the password's bytes for themselves: none stay with the sender", async () => {
    const thread = startHashThread(hashThreadProgram(), modules);
    const sent = derivation(8);
    await thread.derive(sent);
    expect(sent.password).toHaveLength(0);
    await thread.end();
  });
});
