import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSetAside, setAside } from "../../../../src/cli/hashes/set-aside.ts";
import { kindOfStoredHash } from "../../../../src/password/stored-hash.ts";

describe("an old row that is set aside", () => {
  it("is all there in a string that fits and that no password opens", () => {
    const text = (maxLength: number) =>
      fc.string({ unit: "grapheme", maxLength }).filter((s) => [...s].length <= maxLength);
    fc.assert(
      fc.property(text(128), fc.option(text(64)), (passwordHash, salt) => {
        const stored = setAside({ passwordHash, salt }) ?? "";
        expect([...stored].length).toBeLessThanOrEqual(255);
        expect(readSetAside(stored)).toEqual({ passwordHash, salt });
        expect(kindOfStoredHash(stored)).toBe("unreadable");
      }),
    );
  });

  it("is left where it is when it has no room", () => {
    expect(setAside({ passwordHash: "x".repeat(255), salt: null })).toBeUndefined();
  });

  it("is not seen in any string of ours", () => {
    expect(readSetAside("$argon2id$v=19$m=49152,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA")).toBeUndefined();
  });
});
