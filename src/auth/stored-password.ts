import type { Credentials } from "../db/users.ts";
import { HasherError } from "../errors.ts";
import { describeLegacyHash } from "../password/legacy-hash.ts";

/** How the old table's digests were made, apart from their algorithm, which their length tells. */
export interface LegacyScheme {
  readonly order: "salt-password" | "password-salt";
  /** What of the salt column went into the digest: its text, or the bytes it spells. */
  readonly saltEncoding: "utf8" | "hex" | "base64";
}

/** Hex characters of a digest, FIPS 180-4. */
const ALGORITHM_BY_LENGTH = { 64: "sha256", 96: "sha384", 128: "sha512" } as const;

/**
 * What the hasher reads: the stored string, or for a row of the old table, whose digest and salt are two columns, one that says all of it.
 * Throws HasherError HASH_UNREADABLE for a digest of no known length.
 */
export function storedPassword({ passwordHash, salt }: Credentials, scheme: LegacyScheme): string {
  if (salt === null) return passwordHash;
  try {
    return describeLegacyHash({
      algorithm: ALGORITHM_BY_LENGTH[passwordHash.length as keyof typeof ALGORITHM_BY_LENGTH],
      order: scheme.order === "salt-password" ? "salt-first" : "password-first",
      digest: passwordHash,
      digestEncoding: "hex",
      salt,
      saltEncoding: scheme.saltEncoding,
    });
  } catch (cause) {
    throw new HasherError("HASH_UNREADABLE", "An account of the old table has a digest that is not hex SHA-2.", {
      cause,
    });
  }
}
