import { argon2d, argon2i, argon2id } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { argon2 } from "../../../src/password/argon2.ts";
import { createParts, KERNELS } from "./engine.ts";
import { PUBLISHED_VECTORS } from "./published-vectors.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

// 256 MiB takes a second: the kernel that ships to most is enough.
const vectorsFor = (kernel: string) =>
  PUBLISHED_VECTORS.filter(({ memoryKiB }) => memoryKiB < 2 ** 18 || kernel === "our kernel");

describe.each(KERNELS)("argon2 on %s", (...kernel) => {
  const parts = createParts(kernel);

  it.each(vectorsFor(kernel[0]))(
    "gives the tag of $source for argon2$variant with m=$memoryKiB, t=$passes, p=$lanes",
    ({ password, tag, ...input }) => {
      expect(hex(argon2(parts, password, { ...input, tagBytes: 32 }))).toBe(tag);
    },
  );

  it.each([4, 32, 63, 64, 65, 96, 97, 128, 1024])("gives a tag of %i bytes as hash-wasm does", async (tagBytes) => {
    const password = new TextEncoder().encode("longer and shorter tags");
    const salt = new Uint8Array(16).fill(tagBytes);
    const expected = await argon2id({
      password,
      salt,
      memorySize: 8,
      iterations: 1,
      parallelism: 1,
      hashLength: tagBytes,
    });
    expect(hex(argon2(parts, password, { memoryKiB: 8, passes: 1, lanes: 1, salt, tagBytes }))).toBe(expected);
  });

  it.each([8, 9, 10, 11, 12, 15, 16, 17, 31, 33])(
    "fills %i blocks as hash-wasm does, whatever the variant",
    async (memoryKiB) => {
      const password = Uint8Array.of(0);
      const salt = new Uint8Array(8);
      for (const [variant, oracle] of [
        ["d", argon2d],
        ["i", argon2i],
        ["id", argon2id],
      ] as const) {
        const asked = { password, salt, memorySize: memoryKiB, iterations: 3, parallelism: 1, hashLength: 32 };
        const tag = argon2(parts, password, { memoryKiB, passes: 3, lanes: 1, salt, tagBytes: 32, variant });
        expect(hex(tag)).toBe(await oracle(asked));
      }
    },
  );

  it("gives the same tag again after larger and smaller costs in the same instance", () => {
    const password = new TextEncoder().encode("again");
    const salt = new Uint8Array(16);
    const tag = (memoryKiB: number) =>
      hex(argon2(parts, password, { memoryKiB, passes: 2, lanes: 1, salt, tagBytes: 32 }));
    const first = tag(64);
    tag(4096);
    tag(8);
    expect(tag(64)).toBe(first);
  });
});
