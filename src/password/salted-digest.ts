import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

/** How an older system made its digests: SHA-2 over a salt and the password. */
export interface SaltedDigest {
  readonly algorithm: "sha256" | "sha384" | "sha512";
  readonly order: "salt-first" | "password-first";
  /** How that system turned the password into bytes. */
  readonly passwordEncoding: "utf8" | "utf16le";
  /** How often the algorithm ran: first over salt and password, then over its own raw digest. */
  readonly iterations: number;
  readonly salt: Uint8Array;
}

export const DIGEST_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const;

const ALGORITHMS = { sha256, sha384, sha512 } as const;

/** The digest of `password`, whose bytes are already in the right encoding. Synchronous: it runs where Argon2 runs. */
export function saltedDigest(password: Uint8Array, { algorithm, order, iterations, salt }: SaltedDigest): Uint8Array {
  const hash = ALGORITHMS[algorithm];
  const [first, second] = order === "salt-first" ? [salt, password] : [password, salt];
  let digest: Uint8Array = hash.create().update(first).update(second).digest();
  for (let iteration = 1; iteration < iterations; iteration += 1) {
    digest = hash(digest);
  }
  return digest;
}
