import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { checkHash } from "../../../../src/cli/hashes/check.ts";
import { relabel } from "../../../../src/cli/hashes/relabel.ts";
import { ALGORITHMS, DIGEST_ENCODINGS, SALT_ENCODINGS } from "../../../../src/cli/hashes/scheme.ts";
import { setAside } from "../../../../src/cli/hashes/set-aside.ts";
import { describeLegacyHash } from "../../../../src/password/legacy-hash.ts";
import { createNodeHasher } from "../../../../src/runtimes/node/hasher.ts";

const hasher = createNodeHasher({ profile: "development", threads: 1 });
afterAll(() => hasher.close());

const password = "an old password, ö";
const salt = "00ff10ab";
const opens = async (stored: string) => (await hasher.verify(password, stored)).ok;
const ORDERS = ["salt-first", "password-first"] as const;

const WAYS = ALGORITHMS.flatMap((algorithm) =>
  ORDERS.flatMap((order) =>
    DIGEST_ENCODINGS.flatMap((digestEncoding) =>
      SALT_ENCODINGS.map((saltEncoding) => ({ algorithm, order, digestEncoding, saltEncoding })),
    ),
  ),
);

function digestOf({ algorithm, order, digestEncoding, saltEncoding }: (typeof WAYS)[number]): string {
  const parts = [Buffer.from(salt, saltEncoding), Buffer.from(password)];
  const input = Buffer.concat(order === "salt-first" ? parts : parts.reverse());
  return createHash(algorithm).update(input).digest(digestEncoding);
}

describe("hashes check", () => {
  it.each(WAYS)("finds $algorithm, $order, $digestEncoding, salt as $saltEncoding", async (made) => {
    const row = { passwordHash: digestOf(made), salt };
    const finding = await checkHash({ row, iterations: 1, opens });
    expect(finding).toEqual({ kind: "old row", scheme: { ...made, iterations: 1 } });
    const aside = { passwordHash: setAside(row) ?? "", salt: null };
    expect(await checkHash({ row: aside, iterations: 1, opens })).toEqual(finding);
  });

  it("finds nothing for another password, or for a hash that is none", async () => {
    const row = { passwordHash: digestOf({ ...WAYS[0], algorithm: "sha256" } as (typeof WAYS)[number]), salt };
    const wrong = async (stored: string) => (await hasher.verify("another password", stored)).ok;
    expect(await checkHash({ row, iterations: 1, opens: wrong })).toEqual({ kind: "no match" });
    expect(await checkHash({ row, iterations: 2, opens })).toEqual({ kind: "no match" });
    expect(await checkHash({ row: { passwordHash: "junk", salt: null }, iterations: 1, opens })).toEqual({
      kind: "no match",
    });
  });

  it.each(
    ORDERS.flatMap((trueOrder) =>
      SALT_ENCODINGS.flatMap((trueSalt) =>
        ORDERS.flatMap((order) => SALT_ENCODINGS.map((saltEncoding) => ({ trueOrder, trueSalt, order, saltEncoding }))),
      ),
    ),
  )("mends $trueOrder with a $trueSalt salt that was wrapped as $order with $saltEncoding", async (wrapped) => {
    const made = {
      algorithm: "sha256",
      order: wrapped.trueOrder,
      digestEncoding: "hex",
      saltEncoding: wrapped.trueSalt,
    } as const;
    const digest = digestOf(made);
    const legacy = describeLegacyHash({
      ...made,
      digest,
      salt,
      order: wrapped.order,
      saltEncoding: wrapped.saltEncoding,
    });
    for (const stored of [await hasher.wrap(legacy), legacy]) {
      const finding = await checkHash({ row: { passwordHash: stored, salt: null }, iterations: 1, opens });
      if (finding.kind === "right as it is") {
        expect([wrapped.order, wrapped.saltEncoding]).toEqual([wrapped.trueOrder, wrapped.trueSalt]);
        continue;
      }
      expect(finding.kind).toBe("mislabelled");
      const mended = finding.kind === "mislabelled" ? relabel(stored, finding.relabelling) : undefined;
      expect(await opens(mended ?? "")).toBe(true);
    }
  });

  it("leaves plain Argon2id strings and other labels alone", async () => {
    const change = { order: { from: "salt-first", to: "password-first" }, salt: { from: "utf8", to: "utf8" } } as const;
    expect(relabel(await hasher.hash(password), change)).toBeUndefined();
    const other = describeLegacyHash({
      ...WAYS[6],
      digest: "ab".repeat(32),
      salt,
      algorithm: "sha256",
      order: "password-first",
      digestEncoding: "hex",
      saltEncoding: "utf8",
    });
    expect(relabel(other, change)).toBeUndefined();
  });
});
