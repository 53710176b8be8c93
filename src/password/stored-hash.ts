import { type LegacyHash, parseLegacyHash } from "./legacy-hash.ts";
import { type Argon2Hash, parsePhcString } from "./phc-string.ts";
import { parseWrappedHash, type WrappedHash } from "./wrapped-hash.ts";

/** What a stored string turns out to be. */
export type StoredHash =
  | ({ readonly kind: "argon2id" } & { readonly argon2: Argon2Hash })
  | ({ readonly kind: "wrapped" } & WrappedHash)
  | ({ readonly kind: "legacy" } & LegacyHash);

/** Reads any string this engine writes. Throws `HasherError` `HASH_UNREADABLE` for all others. */
export function parseStoredHash(text: string): StoredHash {
  const legacy = parseLegacyHash(text);
  if (legacy !== undefined) {
    return { kind: "legacy", ...legacy };
  }
  const wrapped = parseWrappedHash(text);
  if (wrapped !== undefined) {
    return { kind: "wrapped", ...wrapped };
  }
  return { kind: "argon2id", argon2: parsePhcString(text) };
}

/** For reports: what kind of string this is, without judging its parameters' size. */
export function kindOfStoredHash(text: string): StoredHash["kind"] | "unreadable" {
  try {
    return parseStoredHash(text).kind;
  } catch {
    return "unreadable";
  }
}
