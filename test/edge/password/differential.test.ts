import { describe, expect, it } from "vitest";
import { argon2 } from "../../../src/password/argon2.ts";
import { type DifferentialCase, differentialCases } from "./differential-cases.ts";
import { createParts, KERNELS } from "./engine.ts";
import { hashWasmTag, nativeTag } from "./oracles.ts";

// `npm run bench -- password-differential` runs thousands.
const CASES = [...differentialCases(0x9106, 84, { maxMemoryKiB: 1024 })];

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe.each(KERNELS)("argon2 on %s", (...kernel) => {
  const parts = createParts(kernel);
  const ourTag = ({ password, salt, secret, ...rest }: DifferentialCase) =>
    Buffer.from(argon2(parts, fromHex(password), { ...rest, salt: fromHex(salt), secret: fromHex(secret) })).toString(
      "hex",
    );

  it("agrees with the native implementation and with hash-wasm in random cases", async () => {
    for (const asked of CASES) {
      const tag = ourTag(asked);
      expect({ asked, tag }).toEqual({ asked, tag: nativeTag(asked) });
      expect({ asked, tag }).toEqual({ asked, tag: (await hashWasmTag(asked)) ?? tag });
    }
  });

  it("agrees with the native implementation at 48 MiB", () => {
    for (const asked of differentialCases(48, 2, { maxMemoryKiB: 8 })) {
      const large = { ...asked, memoryKiB: 49_152, passes: 3 };
      expect(ourTag(large)).toBe(nativeTag(large));
    }
  });
});
