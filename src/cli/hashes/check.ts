import type { HashRow } from "../../db/stored-hashes.ts";
import { describeLegacyHash } from "../../password/legacy-hash.ts";
import { kindOfStoredHash } from "../../password/stored-hash.ts";
import { type Relabelling, relabel } from "./relabel.ts";
import { ALGORITHMS, DIGEST_ENCODINGS, type LegacyScheme, SALT_ENCODINGS } from "./scheme.ts";
import { readSetAside } from "./set-aside.ts";

/** How a stored hash turns out to have been made, once a password is known that belongs to it. */
export type Finding =
  /** A row of the old table, and what to tell `hashes wrap`. */
  | { readonly kind: "old row"; readonly scheme: LegacyScheme }
  /** The string says it rightly itself. */
  | { readonly kind: "right as it is"; readonly stored: "argon2id" | "wrapped" | "legacy" }
  /** Wrapped with wrong options, and how to mend that. */
  | { readonly kind: "mislabelled"; readonly relabelling: Relabelling }
  /** The password belongs to it in no way known here. */
  | { readonly kind: "no match" };

export interface CheckOptions {
  readonly row: Omit<HashRow, "id">;
  readonly iterations: number;
  /** Whether the password under question opens a string of ours. */
  readonly opens: (stored: string) => Promise<boolean>;
}

/** Tries every way to read `row` against one password that is known. */
export async function checkHash({ row, iterations, opens }: CheckOptions): Promise<Finding> {
  const old = readSetAside(row.passwordHash) ?? row;
  if (old.salt !== null) {
    for (const { scheme, stored } of readings(old.passwordHash, old.salt, iterations)) {
      if (await opens(stored)) return { kind: "old row", scheme };
    }
    return { kind: "no match" };
  }
  const kind = kindOfStoredHash(old.passwordHash);
  if (kind === "unreadable") return { kind: "no match" };
  if (await opens(old.passwordHash)) return { kind: "right as it is", stored: kind };
  for (const { relabelling, stored } of relabellings(old.passwordHash)) {
    if (await opens(stored)) return { kind: "mislabelled", relabelling };
  }
  return { kind: "no match" };
}

const ORDERS = ["salt-first", "password-first"] as const;

/** What the digest and the salt can mean, the usual first, each meaning once. */
function readings(digest: string, salt: string, iterations: number) {
  const byStored = new Map<string, LegacyScheme>();
  for (const digestEncoding of DIGEST_ENCODINGS)
    for (const algorithm of ALGORITHMS)
      for (const saltEncoding of SALT_ENCODINGS)
        for (const order of ORDERS) {
          const scheme = { algorithm, order, digestEncoding, saltEncoding, iterations };
          const stored = describe({ ...scheme, digest, salt });
          if (stored !== undefined && !byStored.has(stored)) byStored.set(stored, scheme);
        }
  return [...byStored].map(([stored, scheme]) => ({ stored, scheme }));
}

function describe(description: Parameters<typeof describeLegacyHash>[0]): string | undefined {
  try {
    return describeLegacyHash(description);
  } catch {
    return undefined;
  }
}

/** The strings that would say the same tag was made another way. */
function relabellings(stored: string) {
  const byStored = new Map<string, Relabelling>();
  for (const saltFrom of SALT_ENCODINGS)
    for (const saltTo of SALT_ENCODINGS)
      for (const from of ORDERS)
        for (const to of ORDERS) {
          const relabelling = { order: { from, to }, salt: { from: saltFrom, to: saltTo } };
          const changed = relabel(stored, relabelling);
          if (changed !== undefined && changed !== "refused" && changed !== stored && !byStored.has(changed))
            byStored.set(changed, relabelling);
        }
  return [...byStored].map(([changed, relabelling]) => ({ stored: changed, relabelling }));
}
