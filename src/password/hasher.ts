/** What checking a password against a stored string found out. */
export interface Verification {
  readonly ok: boolean;
  /** The password is right and the string is not what `hash` would write today: store `hash(password)` by compare-and-set. */
  readonly needsRehash: boolean;
}

export interface HashOptions {
  /** A caller that leaves frees its place in the queue. */
  readonly signal?: AbortSignal;
}

/**
 * Turns passwords into strings that are safe to store, and checks them.
 *
 * `hash` and `verify` throw `PasswordError` for input that cannot be a password (lone surrogates, more than 256 code points or 1,024
 * bytes after NFC) and all three `HasherError` `HASHER_BUSY` when the queue is full or the wait exceeds its bound.
 */
export interface Hasher {
  /** A PHC string of at most 255 characters, with a fresh 16-byte salt. */
  hash(password: string, options?: HashOptions): Promise<string>;
  /**
   * Compares in constant time. `stored` null (no such account) costs the same work and is never ok.
   * Throws `HasherError` `HASH_UNREADABLE` for a string that is not ours to read.
   */
  verify(password: string, stored: string | null, options?: HashOptions): Promise<Verification>;
  /**
   * Argon2id over a plain legacy hash (legacy-hash.ts), in a string of at most 255 characters that `verify` reads, so that no fast
   * hash stays at rest. Throws `HasherError` `HASH_UNREADABLE` for any other string.
   */
  wrap(stored: string, options?: HashOptions): Promise<string>;
  /** Refuses new work, lets what runs finish, ends threads. */
  close(): Promise<void>;
}
