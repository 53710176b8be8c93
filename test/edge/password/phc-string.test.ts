import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPhcString, parsePhcString } from "../../../src/password/phc-string.ts";

const SALT = "gZiV/M1gPc22ElAH/Jh1Hw";
const TAG = "CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno";
const GOOD = `$argon2id$v=19$m=65536,t=2,p=1$${SALT}$${TAG}`;

describe("a PHC string", () => {
  it("is read into its parameters, salt and tag", () => {
    const hash = parsePhcString(GOOD);
    expect(hash.parameters).toEqual({ memoryKiB: 65_536, passes: 2, lanes: 1 });
    expect(hash.keyId).toBeUndefined();
    expect(hash.salt).toHaveLength(16);
    expect(hash.tag).toHaveLength(32);
  });

  it("carries the id of a pepper", () => {
    expect(parsePhcString(`$argon2id$v=19$m=65536,t=2,p=1,keyid=azE$${SALT}$${TAG}`).keyId).toBe("azE");
  });

  it("is written exactly as it was read", () => {
    fc.assert(
      fc.property(
        fc.record({
          parameters: fc.record({
            memoryKiB: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
            passes: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
            lanes: fc.integer({ min: 1, max: 255 }),
          }),
          keyId: fc.constantFrom(undefined, "azE", "cHJvZC0wMDE"),
          salt: fc.uint8Array({ minLength: 8, maxLength: 48 }),
          tag: fc.uint8Array({ minLength: 12, maxLength: 64 }),
        }),
        (hash) => {
          const text = formatPhcString(hash);
          expect(text.length).toBeLessThanOrEqual(255);
          expect(parsePhcString(text)).toEqual(hash);
        },
      ),
    );
  });

  it.each([
    ["another algorithm", GOOD.replace("argon2id", "argon2i")],
    ["no version", GOOD.replace("$v=19", "")],
    ["another version", GOOD.replace("v=19", "v=16")],
    ["parameters in another order", GOOD.replace("m=65536,t=2", "t=2,m=65536")],
    ["a missing parameter", GOOD.replace(",p=1", "")],
    ["a repeated parameter", GOOD.replace("p=1", "p=1,p=1")],
    ["a leading zero", GOOD.replace("t=2", "t=02")],
    ["a zero", GOOD.replace("t=2", "t=0")],
    ["a sign", GOOD.replace("t=2", "t=+2")],
    ["a fraction", GOOD.replace("t=2", "t=2.0")],
    ["a number of eleven digits", GOOD.replace("m=65536", "m=65536000000")],
    ["associated data", GOOD.replace("p=1", "p=1,data=YWJj")],
    ["an empty keyid", GOOD.replace("p=1", "p=1,keyid=")],
    ["a keyid of more than eight bytes", GOOD.replace("p=1", "p=1,keyid=MTIzNDU2Nzg5")],
    ["a keyid that is not canonical", GOOD.replace("p=1", "p=1,keyid=azF")],
    ["padding", `${GOOD}=`],
    ["base64url", GOOD.replace("gZiV/", "gZiV_")],
    ["bits beyond the last byte", GOOD.replace(/w\$/, "x$")],
    ["a salt of seven bytes", GOOD.replace(SALT, "AAAAAAAAAA")],
    ["a salt of 49 bytes", GOOD.replace(SALT, `${"A".repeat(65)}A`)],
    ["no tag", `$argon2id$v=19$m=65536,t=2,p=1$${SALT}`],
    ["a tag of eleven bytes", GOOD.replace(TAG, "AAAAAAAAAAAAAAA")],
    ["something behind it", `${GOOD}$`],
    ["a line end", `${GOOD}\n`],
    ["a space before it", ` ${GOOD}`],
    ["nothing at all", ""],
    ["a digest", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"],
    ["a megabyte", `${GOOD}${"A".repeat(1_000_000)}`],
  ])("is refused with %s", (_, text) => {
    expect(() => parsePhcString(text)).toThrow(expect.objectContaining({ code: "HASH_UNREADABLE" }));
  });
});
