import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeLegacyHash, type LegacyHashDescription, parseLegacyHash } from "../../../src/password/legacy-hash.ts";
import { createInlineHasher } from "./engine.ts";

const PASSWORD = "correct horse battery staple";

/** An older system, as somebody else would have written it: Node's own hashes, one encoding at a time. */
function olderSystem(description: Omit<LegacyHashDescription, "digest">, password: string): string {
  const salt = Buffer.from(description.salt, description.saltEncoding);
  const bytes = Buffer.from(password, description.passwordEncoding ?? "utf8");
  const parts = description.order === "salt-first" ? [salt, bytes] : [bytes, salt];
  let digest = createHash(description.algorithm).update(Buffer.concat(parts)).digest();
  for (let iteration = 1; iteration < (description.iterations ?? 1); iteration += 1) {
    digest = createHash(description.algorithm).update(digest).digest();
  }
  return digest.toString(description.digestEncoding);
}

const SALTS = { utf8: "s4lt with ümlaut", hex: "00ff10a5", base64: "c2FsdCE=" } as const;

const CASES: readonly Omit<LegacyHashDescription, "digest">[] = (["sha256", "sha384", "sha512"] as const).flatMap(
  (algorithm) =>
    (["salt-first", "password-first"] as const).flatMap((order) =>
      (["utf8", "hex", "base64"] as const).map((saltEncoding, index) => ({
        algorithm,
        order,
        digestEncoding: index === 1 ? ("base64" as const) : ("hex" as const),
        salt: SALTS[saltEncoding],
        saltEncoding,
        iterations: index === 2 ? 1000 : 1,
        passwordEncoding: index === 1 ? ("utf16le" as const) : ("utf8" as const),
      })),
    ),
);

describe("a hash out of an older system", () => {
  it.each(CASES)(
    "$algorithm, $order, salt as $saltEncoding, password as $passwordEncoding, $iterations times, verifies",
    async (made) => {
      const { hasher } = createInlineHasher();
      const stored = describeLegacyHash({ ...made, digest: olderSystem(made, PASSWORD) });
      expect(stored.length).toBeLessThanOrEqual(255);
      expect(await hasher.verify(PASSWORD, stored)).toEqual({ ok: true, needsRehash: true });
      expect(await hasher.verify(`${PASSWORD} `, stored)).toEqual({ ok: false, needsRehash: false });
    },
  );

  it("has the golden digests of a table with sha256(salt + password) in hex", async () => {
    const { hasher } = createInlineHasher();
    const stored = describeLegacyHash({
      algorithm: "sha256",
      order: "salt-first",
      // printf 'NaClhunter2' | sha256sum
      digest: "5cca3fffb01b0faeb9f287e0ac91027494c458e565c5716df9923aea47947189",
      digestEncoding: "hex",
      salt: "NaCl",
      saltEncoding: "utf8",
    });
    expect(stored).toMatch(/^\$legacy-sha256\$o=salt-first,e=utf8,i=1\$TmFDbA\$[A-Za-z0-9+/]{43}$/);
    expect((await hasher.verify("hunter2", stored)).ok).toBe(true);
  });

  it.each(["salt-first", "password-first"] as const)("without a salt, %s, verifies", async (order) => {
    const { hasher } = createInlineHasher();
    const made = { algorithm: "sha256", order, digestEncoding: "hex", salt: "", saltEncoding: "utf8" } as const;
    const stored = describeLegacyHash({ ...made, digest: createHash("sha256").update(PASSWORD).digest("hex") });
    expect(await hasher.verify(PASSWORD, stored)).toEqual({ ok: true, needsRehash: true });
    expect((await hasher.verify(PASSWORD, await hasher.wrap(stored))).ok).toBe(true);
    expect((await hasher.verify(`${PASSWORD} `, stored)).ok).toBe(false);
  });

  it("verifies what was typed before its normal form, and then that", async () => {
    const { hasher } = createInlineHasher();
    const made = { ...CASES[0], salt: "s" } as Omit<LegacyHashDescription, "digest">;
    for (const typedThen of ["caf\u0065\u0301", "caf\u00e9"]) {
      const stored = describeLegacyHash({ ...made, digest: olderSystem(made, typedThen) });
      expect((await hasher.verify("caf\u0065\u0301", stored)).ok).toBe(true);
    }
  });

  it("costs the work of a current hash on top, so that no older account answers faster", async () => {
    const { hasher, derivations } = createInlineHasher();
    const made = CASES[0] as Omit<LegacyHashDescription, "digest">;
    await hasher.verify(PASSWORD, describeLegacyHash({ ...made, digest: olderSystem(made, PASSWORD) }));
    expect(derivations[0]?.padding).toEqual({ memoryKiB: 8192, passes: 1, lanes: 1 });
  });

  it("is read as it was written", () => {
    fc.assert(
      fc.property(
        fc.record({
          algorithm: fc.constant("sha384" as const),
          order: fc.constantFrom("salt-first" as const, "password-first" as const),
          passwordEncoding: fc.constantFrom("utf8" as const, "utf16le" as const),
          digest: fc.uint8Array({ minLength: 48, maxLength: 48 }),
          salt: fc.uint8Array({ maxLength: 64 }),
          iterations: fc.integer({ min: 1, max: 100_000 }),
        }),
        ({ digest, salt, ...made }) => {
          const text = describeLegacyHash({
            ...made,
            digest: Buffer.from(digest).toString("base64"),
            digestEncoding: "base64",
            salt: Buffer.from(salt).toString("hex"),
            saltEncoding: "hex",
          });
          expect(text.length).toBeLessThanOrEqual(255);
          expect(parseLegacyHash(text)).toEqual({ digest: { ...made, salt }, tag: digest });
        },
      ),
    );
  });

  const good = { ...CASES[0], digest: "00".repeat(32) } as LegacyHashDescription;
  it.each([
    ["a digest of another algorithm", { ...good, algorithm: "sha512" }],
    ["a digest that is not hex", { ...good, digest: "zz".repeat(32) }],
    ["half a byte", { ...good, digest: "0".repeat(63) }],
    ["a salt that is not hex", { ...good, salt: "salt", saltEncoding: "hex" }],
    ["a salt that is not base64", { ...good, salt: "s$", saltEncoding: "base64" }],
    ["a salt of 65 bytes", { ...good, salt: "s".repeat(65) }],
    ["no iterations", { ...good, iterations: 0 }],
    ["half an iteration", { ...good, iterations: 1.5 }],
    ["more iterations than a server should do", { ...good, iterations: 100_001 }],
  ] as const)("is refused with %s, in a sentence that quotes neither digest nor salt", (_, description) => {
    const describeIt = () => describeLegacyHash(description as LegacyHashDescription);
    expect(describeIt).toThrow(/^The (digest|salt|iterations)/);
    expect(describeIt).not.toThrow(description.digest);
  });
});

describe("a wrapped hash", () => {
  it.each(CASES)("$algorithm, $order, salt as $saltEncoding: no fast hash stays at rest", async (made) => {
    const { hasher } = createInlineHasher();
    const digest = olderSystem(made, PASSWORD);
    const wrapped = await hasher.wrap(describeLegacyHash({ ...made, digest }));
    expect(wrapped.length).toBeLessThanOrEqual(255);
    expect(wrapped).toContain(`$argon2id-over-${made.algorithm}$v=19$m=8192,t=1,p=1,o=${made.order}`);
    expect(wrapped).not.toContain(Buffer.from(digest, made.digestEncoding).toString("base64").replace(/=+$/, ""));
    expect(await hasher.verify(PASSWORD, wrapped)).toEqual({ ok: true, needsRehash: true });
    expect((await hasher.verify(`${PASSWORD} `, wrapped)).ok).toBe(false);
  });

  it("wraps nothing but a plain older hash", async () => {
    const { hasher } = createInlineHasher();
    const current = await hasher.hash(PASSWORD);
    const made = CASES[0] as Omit<LegacyHashDescription, "digest">;
    const wrapped = await hasher.wrap(describeLegacyHash({ ...made, digest: olderSystem(made, PASSWORD) }));
    for (const stored of [current, wrapped, "", "sha256:abc"]) {
      await expect(hasher.wrap(stored)).rejects.toMatchObject({ code: "HASH_UNREADABLE" });
    }
  });
});
