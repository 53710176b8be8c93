/** What Node 24, Bun and Deno run, in one bundle; prints the report as JSON. */
import { type ConformanceCase, checkConformance } from "./conformance.ts";

/** Put in by whoever bundles this: the cases, the runtime's own kernel, and the modules' bytes in base64. */
declare const CASES: readonly ConformanceCase[];
declare const OWN_KERNEL: "simd" | "jscSimd";
declare const MODULES: Readonly<Record<"simd" | "jscSimd" | "hashWasm" | "blake2b", string>>;

const compile = (base64: string) =>
  new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));

const report = checkConformance(
  {
    simd: compile(MODULES.simd),
    jscSimd: compile(MODULES.jscSimd),
    hashWasm: compile(MODULES.hashWasm),
    blake2b: compile(MODULES.blake2b),
  },
  CASES,
  OWN_KERNEL,
);
console.log(JSON.stringify(report));
