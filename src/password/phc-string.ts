import { HasherError } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import type { Argon2Parameters } from "./parameters.ts";

/** An Argon2id tag with everything that is needed to compute it again, but the password and the pepper. */
export interface Argon2Hash {
  readonly parameters: Argon2Parameters;
  /** Names the pepper, as it stands in the string; undefined: no pepper. */
  readonly keyId: string | undefined;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

/** A column's width, and more than any string we write. */
export const MAX_STORED_LENGTH = 255;

const NUMBER = "[1-9][0-9]{0,9}";
const B64 = "[A-Za-z0-9+/]+";
const PARAMETERS = `m=(?<m>${NUMBER}),t=(?<t>${NUMBER}),p=(?<p>${NUMBER})(?:,keyid=(?<keyId>[A-Za-z0-9+/]{2,11}))?`;
const ARGON2ID = new RegExp(`^\\$argon2id\\$v=19\\$${PARAMETERS}\\$(?<salt>${B64})\\$(?<tag>${B64})$`);

// The PHC string format's own ranges for Argon2.
const SALT_BYTES_RANGE = [8, 48] as const;
const TAG_BYTES_RANGE = [12, 64] as const;

/**
 * Reads a PHC string (https://github.com/P-H-C/phc-string-format, Argon2 encoding) as strictly as `formatPhcString` writes it:
 * version 19 said, parameters in order without leading zeros, canonical base64, `keyid` but no `data`. The parameters' size is
 * the caller's to check. Throws `HasherError` `HASH_UNREADABLE`.
 */
export function parsePhcString(text: string): Argon2Hash {
  const groups = text.length <= MAX_STORED_LENGTH ? ARGON2ID.exec(text)?.groups : undefined;
  if (groups === undefined) {
    throw unreadable();
  }
  return {
    parameters: { memoryKiB: Number(groups.m), passes: Number(groups.t), lanes: Number(groups.p) },
    keyId: groups.keyId === undefined ? undefined : canonical(groups.keyId),
    salt: bytes(groups.salt, SALT_BYTES_RANGE),
    tag: bytes(groups.tag, TAG_BYTES_RANGE),
  };
}

/** The one canonical string for `hash`. */
export function formatPhcString({ parameters, keyId, salt, tag }: Argon2Hash): string {
  const { memoryKiB, passes, lanes } = parameters;
  const key = keyId === undefined ? "" : `,keyid=${keyId}`;
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}${key}$${encodeBase64(salt)}$${encodeBase64(tag)}`;
}

function canonical(text: string): string {
  bytes(text, [1, 8]);
  return text;
}

function bytes(text: string | undefined, [min, max]: readonly [number, number]): Uint8Array {
  const decoded = decodeBase64(text ?? "");
  if (decoded === undefined || decoded.length < min || decoded.length > max) {
    throw unreadable();
  }
  return decoded;
}

function unreadable(): HasherError {
  return new HasherError("HASH_UNREADABLE", "A stored password hash is not a string this engine writes.");
}
