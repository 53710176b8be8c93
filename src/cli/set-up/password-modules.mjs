import { statSync } from "node:fs";
import { inCheckout } from "./checkout.mjs";
import { Failure } from "./failure.mjs";

const SCRIPT = new URL("../../password/kernel/extract-hash-wasm.mjs", import.meta.url);
const MODULES = ["argon2.wasm", "blake2b.wasm"].map((name) => inCheckout("src", "password", "generated", name));

/**
 * The step that takes hash-wasm's WebAssembly modules out of its package. The script compares their SHA-256 each time
 * and writes only what differs.
 *
 * @returns {import("./progress.mjs").Step}
 */
export function passwordModules() {
  return {
    title: "Password hashing modules",
    run: async () => {
      const before = timesOfModules();
      try {
        await import(SCRIPT.href);
      } catch (error) {
        throw new Failure(error instanceof Error ? error.message : String(error), { cause: error });
      }
      return timesOfModules() === before ? "up to date" : "done";
    },
  };
}

function timesOfModules() {
  return MODULES.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs).join();
}
