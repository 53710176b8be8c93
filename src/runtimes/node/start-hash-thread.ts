import { Worker } from "node:worker_threads";
import { HasherError } from "../../errors.ts";
import type { HashThread } from "../../password/thread-pool.ts";
import type { HashModules } from "./hash-modules.ts";
import type { HashThreadReply } from "./hash-thread.ts";

// A thread's own heap holds a few kilobytes; what it needs is WebAssembly memory, which these do not count.
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 };

/** Starts a hash thread on `program`. It keeps the process alive only while it works. */
export function startHashThread(program: URL, modules: HashModules): HashThread {
  const worker = new Worker(program, {
    workerData: modules,
    execArgv: [],
    env: {},
    resourceLimits: HEAP_LIMITS,
    name: "gatehouse-hash",
  });
  worker.unref();
  let alive = true;
  let settle: { resolve: (tag: Uint8Array) => void; reject: (error: HasherError) => void } | undefined;

  const fail = (cause: unknown) =>
    settle?.reject(new HasherError("HASHER_FAILED", "The password engine failed.", { cause }));

  worker.on("message", (reply: HashThreadReply) => {
    if ("tag" in reply) {
      settle?.resolve(reply.tag);
    } else {
      fail(reply.failure);
    }
  });
  worker.on("error", (error) => {
    alive = false;
    fail(error);
  });
  worker.on("exit", (code) => {
    alive = false;
    fail(new Error(`A hash thread ended with code ${code}.`));
  });

  return {
    get alive() {
      return alive;
    },
    async derive(derivation) {
      worker.ref();
      try {
        return await new Promise<Uint8Array>((resolve, reject) => {
          settle = { resolve, reject };
          worker.postMessage(derivation, [derivation.password.buffer as ArrayBuffer]);
        });
      } finally {
        settle = undefined;
        worker.unref();
      }
    },
    async end() {
      await worker.terminate();
    },
  };
}
