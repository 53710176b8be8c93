import { argon2 } from "../../src/password/argon2.ts";
import { type DifferentialCase, differentialCases } from "../edge/password/differential-cases.ts";
import { createParts, KERNELS } from "../edge/password/engine.ts";
import { hashWasmTag, nativeTag } from "../edge/password/oracles.ts";

const DEFAULT_CASES = 2000;
const LARGE_CASES = 20;

/** Random cases, 8 KiB to 4 MiB, and some of 48 MiB, on every kernel, against @node-rs/argon2 and hash-wasm. Arguments: cases, seed. */
export async function run([cases = String(DEFAULT_CASES), seed = "1"]: string[]): Promise<void> {
  const small = differentialCases(Number(seed), Number(cases), { maxMemoryKiB: 4096 });
  const kernels = KERNELS.map((kernel) => ({ name: kernel[0], parts: createParts(kernel) }));
  const large = [...differentialCases(Number(seed) + 1, LARGE_CASES, { maxMemoryKiB: 8 })].map((asked) => ({
    ...asked,
    memoryKiB: 49_152,
  }));
  let differences = 0;
  for (const asked of [...small, ...large]) {
    const tags = new Map([
      ["@node-rs/argon2", nativeTag(asked)],
      ...kernels.map(({ name, parts }) => [name, ourTag(parts, asked)] as const),
    ]);
    const hashWasm = await hashWasmTag(asked);
    if (hashWasm !== undefined) {
      tags.set("hash-wasm", hashWasm);
    }
    if (new Set(tags.values()).size !== 1) {
      differences += 1;
      console.log(`differ: ${JSON.stringify({ ...asked, tags: Object.fromEntries(tags) })}`);
    }
  }
  console.log(`${Number(cases) + LARGE_CASES} cases, ${kernels.length} kernels, 2 oracles: ${differences} differences`);
  process.exitCode = differences === 0 ? 0 : 1;
}

function ourTag(parts: ReturnType<typeof createParts>, { password, salt, secret, ...rest }: DifferentialCase): string {
  const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
  return Buffer.from(argon2(parts, bytes(password), { ...rest, salt: bytes(salt), secret: bytes(secret) })).toString(
    "hex",
  );
}
