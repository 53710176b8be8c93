import { describe, expect, it } from "vitest";
import { createHasher } from "../../../src/password/create-hasher.ts";
import { describeLegacyHash } from "../../../src/password/legacy-hash.ts";
import { BOUNDS, PROFILES } from "../../../src/password/parameters.ts";
import { NO_PEPPERS, readPeppers } from "../../../src/password/peppers.ts";
import { CHEAP, createInlineHasher } from "./engine.ts";

const PASSWORD = "correct horse battery staple";
const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");

describe("the hasher", () => {
  it.each([
    ["an empty password", ""],
    ["letters beyond ASCII", "пароль"],
    ["characters of four bytes", "密码🔐"],
    ["a NUL inside", "with\0nul"],
    ["a combining accent", "e\u0301"],
    ["the longest password there is", "🔐".repeat(256)],
  ])("verifies %s and nothing else", async (_, password) => {
    const { hasher } = createInlineHasher();
    const stored = await hasher.hash(password);
    const other = `${[...password].slice(0, -1).join("")}x`;
    expect(await hasher.verify(password, stored)).toEqual({ ok: true, needsRehash: false });
    expect(await hasher.verify(other, stored)).toEqual({ ok: false, needsRehash: false });
  });

  it("tells passwords apart that differ only in characters beyond ASCII", async () => {
    const { hasher } = createInlineHasher();
    const stored = await hasher.hash("пароль");
    expect((await hasher.verify("парXYZ", stored)).ok).toBe(false);
  });

  it("accepts the same password however its accents are typed", async () => {
    const { hasher } = createInlineHasher();
    expect((await hasher.verify("caf\u0065\u0301", await hasher.hash("caf\u00e9"))).ok).toBe(true);
  });

  it("salts every hash anew, with 16 bytes, and gives 32 bytes of tag", async () => {
    const { hasher } = createInlineHasher();
    const [first, second] = [await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)];
    expect(first).not.toBe(second);
    expect(first).toMatch(/^\$argon2id\$v=19\$m=8192,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  });

  it("works for an account that does not exist exactly as for one that does", async () => {
    const { hasher, derivations } = createInlineHasher({ peppers: readPeppers(`{"k1":"${key(1)}"}`) });
    const stored = await hasher.hash(PASSWORD);
    await hasher.verify("wrong", stored);
    expect(await hasher.verify(PASSWORD, null)).toEqual({ ok: false, needsRehash: false });
    const [, real, decoy] = derivations;
    expect({ ...decoy?.argon2, salt: real?.argon2?.salt }).toEqual(real?.argon2);
    expect(decoy?.padding).toEqual(real?.padding);
  });

  it("makes up what an older, cheaper string lacks in work", async () => {
    const cheap = createInlineHasher();
    const stored = await cheap.hasher.hash(PASSWORD);
    const { hasher, derivations } = createInlineHasher({ parameters: { memoryKiB: 16_384, passes: 2, lanes: 1 } });
    await hasher.verify("wrong", stored);
    expect(derivations[0]?.padding).toEqual({ memoryKiB: 12_288, passes: 2, lanes: 1 });
  });

  it.each([
    ["memory", { ...CHEAP, memoryKiB: 8193 }],
    ["passes", { ...CHEAP, passes: 2 }],
    ["lanes", { ...CHEAP, lanes: 2 }],
  ])("asks to rehash when the %s differ", async (_, parameters) => {
    const stored = await createInlineHasher({ parameters }).hasher.hash(PASSWORD);
    const { hasher } = createInlineHasher();
    expect(await hasher.verify(PASSWORD, stored)).toEqual({ ok: true, needsRehash: true });
    expect(await hasher.verify("wrong", stored)).toEqual({ ok: false, needsRehash: false });
  });

  it.each([
    ["a megabyte too few", "m=7168,t=1,p=1"],
    ["memory beyond the bound", "m=131073,t=1,p=1"],
    ["eleven passes", "m=8192,t=11,p=1"],
    ["five lanes", "m=8192,t=1,p=5"],
  ])("refuses a stored string with %s before it does any work", async (_, parameters) => {
    const { hasher, derivations } = createInlineHasher();
    const stored = (await hasher.hash(PASSWORD)).replace("m=8192,t=1,p=1", parameters);
    await expect(hasher.verify(PASSWORD, stored)).rejects.toMatchObject({ code: "HASH_UNREADABLE" });
    expect(derivations).toHaveLength(1);
  });

  it("will not be made with parameters beyond its own bounds", () => {
    const parts = { peppers: NO_PEPPERS, derive: async () => new Uint8Array(), close: async () => {} };
    expect(() =>
      createHasher({ ...parts, parameters: PROFILES.standard, bounds: { ...BOUNDS, maxMemoryKiB: 8192 } }),
    ).toThrow(expect.objectContaining({ code: "HASH_UNREADABLE" }));
  });

  it("hashes with the newest pepper, verifies with the one the string names, and asks to rehash", async () => {
    const before = createInlineHasher({ peppers: readPeppers(`{"k1":"${key(1)}"}`) });
    const stored = await before.hasher.hash(PASSWORD);
    expect(stored).toContain(",keyid=azE$");
    const { hasher } = createInlineHasher({ peppers: readPeppers(`{"k1":"${key(1)}","k2":"${key(2)}"}`) });
    expect(await hasher.verify(PASSWORD, stored)).toEqual({ ok: true, needsRehash: true });
    expect(await hasher.hash(PASSWORD)).toContain(",keyid=azI$");
  });

  it("clears the password's bytes also when nobody hashed them", async () => {
    const seen: Uint8Array[] = [];
    const hasher = createHasher({
      parameters: CHEAP,
      bounds: BOUNDS,
      peppers: NO_PEPPERS,
      derive: async ({ password }) => {
        seen.push(password);
        throw new Error("busy");
      },
      close: async () => {},
    });
    await expect(hasher.hash(PASSWORD)).rejects.toThrow("busy");
    await expect(hasher.verify(PASSWORD, null)).rejects.toThrow("busy");
    expect(seen.flatMap((bytes) => [...bytes]).filter((byte) => byte !== 0)).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  it("needs the pepper: the same string fails without it, and with another key of that name", async () => {
    const stored = await createInlineHasher({ peppers: readPeppers(`{"k1":"${key(1)}"}`) }).hasher.hash(PASSWORD);
    await expect(createInlineHasher().hasher.verify(PASSWORD, stored)).rejects.toMatchObject({
      code: "HASH_UNREADABLE",
    });
    const { hasher } = createInlineHasher({ peppers: readPeppers(`{"k1":"${key(9)}"}`) });
    expect((await hasher.verify(PASSWORD, stored)).ok).toBe(false);
  });

  it("costs two attempts on every kind of account when a password is typed decomposed", async () => {
    const legacy = describeLegacyHash({
      algorithm: "sha256",
      order: "salt-first",
      digest: "00".repeat(32),
      digestEncoding: "hex",
      salt: "pepper",
      saltEncoding: "utf8",
    });
    for (const stored of [null, await createInlineHasher().hasher.hash(PASSWORD), legacy]) {
      const { hasher, derivations } = createInlineHasher();
      await hasher.verify("e\u0301", stored);
      expect(derivations).toHaveLength(2);
    }
  });
});
