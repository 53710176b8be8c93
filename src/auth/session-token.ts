import { sha256 } from "@noble/hashes/sha2.js";
import type { RandomBytes } from "./deps.ts";

/** 256 bits: twice what ASVS 5.0 7.2.3 asks for. */
const TOKEN_BYTES = 32;

/** 32 bytes in unpadded base64url (RFC 4648 section 5). */
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/;

export interface SessionToken {
  /** What the caller keeps. It is never stored and never logged. */
  readonly token: string;
  /** What the database keeps. */
  readonly tokenHash: Uint8Array;
}

export function createSessionToken(randomBytes: RandomBytes): SessionToken {
  const token = toBase64Url(randomBytes(TOKEN_BYTES));
  return { token, tokenHash: hash(token) };
}

/**
 * The stored form of a token a caller presents, or null for what cannot be one. Plain SHA-256 is enough for a random 256-bit
 * secret; it is computed synchronously because WebCrypto's digest waits in the thread pool behind slower work.
 */
export function hashSessionToken(presented: string): Uint8Array | null {
  return TOKEN_PATTERN.test(presented) ? hash(presented) : null;
}

function hash(token: string): Uint8Array {
  return sha256(new TextEncoder().encode(token));
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
