import { decodeBase64, encodeBase64 } from "./base64.ts";
import { MAX_STORED_LENGTH } from "./phc-string.ts";
import { DIGEST_BYTES, type SaltedDigest } from "./salted-digest.ts";

/** A digest as an older system stored it, and how. */
export interface LegacyHashDescription {
  readonly algorithm: SaltedDigest["algorithm"];
  readonly order: SaltedDigest["order"];
  /** `utf8` unless said. */
  readonly passwordEncoding?: SaltedDigest["passwordEncoding"];
  readonly digest: string;
  readonly digestEncoding: "hex" | "base64";
  readonly salt: string;
  /** `utf8`: the salt's text itself went into the digest, even when it looks like hex. */
  readonly saltEncoding: "utf8" | "hex" | "base64";
  /** 1 unless said. */
  readonly iterations?: number;
}

export interface LegacyHash {
  readonly digest: SaltedDigest;
  readonly tag: Uint8Array;
}

export const MAX_ITERATIONS = 100_000;
export const MAX_LEGACY_SALT_BYTES = 64;

/** How a digest was made, as it stands in our strings; its salt follows elsewhere. */
export const MADE_PATTERN =
  "o=(?<order>salt-first|password-first),e=(?<encoding>utf8|utf16le),i=(?<iterations>[1-9][0-9]{0,5})";
export const ALGORITHM_PATTERN = "(?<algorithm>sha256|sha384|sha512)";

const LEGACY = new RegExp(
  `^\\$legacy-${ALGORITHM_PATTERN}\\$${MADE_PATTERN}\\$(?<salt>[A-Za-z0-9+/]*)\\$(?<tag>[A-Za-z0-9+/]+)$`,
);

/**
 * The self-describing string for a digest out of an older system: `$legacy-sha256$o=salt-first,e=utf8,i=1$<salt>$<digest>`, at
 * most 255 characters. Throws `Error` with one sentence, which quotes neither digest nor salt, for what cannot be such a digest.
 */
export function describeLegacyHash(description: LegacyHashDescription): string {
  const { algorithm, order, passwordEncoding = "utf8", iterations = 1 } = description;
  const salt = decode(description.salt, description.saltEncoding);
  const tag = decode(description.digest, description.digestEncoding);
  if (tag?.length !== DIGEST_BYTES[algorithm]) {
    throw new Error(
      `The digest is not ${description.digestEncoding} of the ${DIGEST_BYTES[algorithm]} bytes of ${algorithm}.`,
    );
  }
  if (salt === undefined || salt.length > MAX_LEGACY_SALT_BYTES) {
    throw new Error(`The salt is not ${description.saltEncoding} of at most ${MAX_LEGACY_SALT_BYTES} bytes.`);
  }
  if (!Number.isInteger(iterations) || iterations < 1 || iterations > MAX_ITERATIONS) {
    throw new Error(`The iterations must be a whole number from 1 to ${MAX_ITERATIONS}.`);
  }
  return formatLegacyHash({ digest: { algorithm, order, passwordEncoding, iterations, salt }, tag });
}

/** Reads what `describeLegacyHash` wrote; undefined for anything else. */
export function parseLegacyHash(text: string): LegacyHash | undefined {
  const groups = text.length <= MAX_STORED_LENGTH ? LEGACY.exec(text)?.groups : undefined;
  const digest = groups === undefined ? undefined : toSaltedDigest(groups, groups.salt ?? "");
  const tag = decodeBase64(groups?.tag ?? "");
  return digest !== undefined && tag?.length === DIGEST_BYTES[digest.algorithm] ? { digest, tag } : undefined;
}

export function formatMade({ order, passwordEncoding, iterations }: SaltedDigest): string {
  return `o=${order},e=${passwordEncoding},i=${iterations}`;
}

/** The digest that `groups`, matched by the two patterns above, describe; undefined when a value is out of bounds. */
export function toSaltedDigest(groups: Readonly<Record<string, string>>, saltText: string): SaltedDigest | undefined {
  const iterations = Number(groups.iterations);
  const salt = decodeBase64(saltText);
  if (salt === undefined || salt.length > MAX_LEGACY_SALT_BYTES || iterations > MAX_ITERATIONS) {
    return undefined;
  }
  return {
    // The patterns admit no other words.
    algorithm: groups.algorithm as SaltedDigest["algorithm"],
    order: groups.order as SaltedDigest["order"],
    passwordEncoding: groups.encoding as SaltedDigest["passwordEncoding"],
    iterations,
    salt,
  };
}

function formatLegacyHash({ digest, tag }: LegacyHash): string {
  return `$legacy-${digest.algorithm}$${formatMade(digest)}$${encodeBase64(digest.salt)}$${encodeBase64(tag)}`;
}

function decode(text: string, encoding: "utf8" | "hex" | "base64"): Uint8Array | undefined {
  switch (encoding) {
    case "utf8":
      return new TextEncoder().encode(text);
    case "hex":
      return /^(?:[0-9a-f]{2})*$/i.test(text)
        ? Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
        : undefined;
    case "base64":
      return decodeBase64(text.replace(/={1,2}$/, ""));
  }
}
