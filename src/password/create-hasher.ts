import { HasherError } from "../errors.ts";
import { constantTimeEqual } from "./constant-time-equal.ts";
import type { Derivation } from "./derivation.ts";
import type { Hasher, HashOptions } from "./hasher.ts";
import { paddingFor } from "./padding.ts";
import { type Argon2Bounds, type Argon2Parameters, assertWithinBounds, SALT_BYTES, TAG_BYTES } from "./parameters.ts";
import { normalisePassword } from "./password-input.ts";
import type { Peppers } from "./peppers.ts";
import { type Argon2Hash, formatPhcString } from "./phc-string.ts";
import type { SaltedDigest } from "./salted-digest.ts";
import { parseStoredHash, type StoredHash } from "./stored-hash.ts";
import { formatWrappedHash } from "./wrapped-hash.ts";

export interface HasherParts {
  /** What new hashes cost. */
  readonly parameters: Argon2Parameters;
  /** What stored ones may cost. */
  readonly bounds: Argon2Bounds;
  readonly peppers: Peppers;
  /** Where and when the work is done: in turn here, or on a thread. */
  readonly derive: (derivation: Derivation, signal: AbortSignal | undefined) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** The rules of hashing, whichever runtime does the work. Throws `HasherError` when `parameters` are beyond `bounds`. */
export function createHasher({ parameters, bounds, peppers, close, ...parts }: HasherParts): Hasher {
  assertWithinBounds(parameters, bounds);

  const derive = async (derivation: Derivation, { signal }: HashOptions): Promise<Uint8Array> => {
    try {
      return await parts.derive(derivation, signal);
    } finally {
      // Also when the queue turned it away; a thread took the bytes with it, and cleared them there.
      if (derivation.password.length > 0) {
        derivation.password.fill(0);
      }
    }
  };

  const hashBytes = async (bytes: Uint8Array, options: HashOptions): Promise<Argon2Hash> => {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const secret = peppers.current?.key;
    const input = { ...parameters, salt, secret, tagBytes: TAG_BYTES };
    const tag = await derive({ password: bytes, argon2: input }, options);
    return { parameters, keyId: peppers.current?.keyId, salt, tag };
  };

  // The work for no account is the work for one whose hash is current.
  const decoy: StoredHash = {
    kind: "argon2id",
    argon2: {
      parameters,
      keyId: peppers.current?.keyId,
      salt: new Uint8Array(SALT_BYTES),
      tag: new Uint8Array(TAG_BYTES),
    },
  };

  return {
    async hash(password, options = {}) {
      return formatPhcString(await hashBytes(utf8(normalisePassword(password)), options));
    },

    async verify(password, stored, options = {}) {
      const normalised = normalisePassword(password);
      const hash = stored === null ? decoy : parseStoredHash(stored);
      const derivation = planFor(hash, { parameters, bounds, peppers });
      const expected = hash.kind === "legacy" ? hash.tag : hash.argon2.tag;
      for (const attempt of attempts(password, normalised, hash)) {
        const tag = await derive({ ...derivation, password: attempt }, options);
        if (constantTimeEqual(tag, expected) && stored !== null) {
          return { ok: true, needsRehash: !isCurrent(hash, parameters, peppers) };
        }
      }
      return { ok: false, needsRehash: false };
    },

    async wrap(stored, options = {}) {
      const hash = parseStoredHash(stored);
      if (hash.kind !== "legacy") {
        throw new HasherError("HASH_UNREADABLE", "Only a plain legacy hash can be wrapped.");
      }
      return formatWrappedHash({ digest: hash.digest, argon2: await hashBytes(hash.tag.slice(), options) });
    },

    close,
  };
}

/** How the tag of `hash` comes about. Throws `HasherError` `HASH_UNREADABLE` for what is beyond the bounds or needs a key we lack. */
function planFor(
  hash: StoredHash,
  { parameters, bounds, peppers }: Pick<HasherParts, "parameters" | "bounds" | "peppers">,
): Omit<Derivation, "password"> {
  if (hash.kind === "legacy") {
    return { digest: hash.digest, padding: paddingFor(undefined, parameters) };
  }
  const { argon2 } = hash;
  assertWithinBounds(argon2.parameters, bounds);
  return {
    digest: hash.kind === "wrapped" ? hash.digest : undefined,
    argon2: {
      ...argon2.parameters,
      salt: argon2.salt,
      secret: argon2.keyId === undefined ? undefined : keyFor(argon2.keyId, peppers),
      tagBytes: argon2.tag.length,
    },
    padding: paddingFor(argon2.parameters, parameters),
  };
}

function keyFor(keyId: string, peppers: Peppers): Uint8Array {
  const pepper = peppers.byKeyId.get(keyId);
  if (pepper === undefined) {
    throw new HasherError("HASH_UNREADABLE", "A stored password hash needs a pepper that PASSWORD_PEPPERS lacks.");
  }
  return pepper.key;
}

/**
 * The bytes to try. An older system hashed what was typed, so that comes first there. What differs from its normal form costs
 * two attempts on every account, or the time would tell which accounts are older.
 */
function attempts(typed: string, normalised: string, hash: StoredHash): readonly Uint8Array[] {
  const texts = typed === normalised ? [normalised] : [hash.kind === "argon2id" ? normalised : typed, normalised];
  return texts.map((text) => (hash.kind === "argon2id" ? utf8(text) : encode(text, hash.digest.passwordEncoding)));
}

function isCurrent(hash: StoredHash, parameters: Argon2Parameters, peppers: Peppers): boolean {
  return (
    hash.kind === "argon2id" &&
    hash.argon2.parameters.memoryKiB === parameters.memoryKiB &&
    hash.argon2.parameters.passes === parameters.passes &&
    hash.argon2.parameters.lanes === parameters.lanes &&
    hash.argon2.keyId === peppers.current?.keyId &&
    hash.argon2.salt.length === SALT_BYTES &&
    hash.argon2.tag.length === TAG_BYTES
  );
}

function encode(text: string, encoding: SaltedDigest["passwordEncoding"]): Uint8Array {
  if (encoding === "utf8") {
    return utf8(text);
  }
  const bytes = new DataView(new ArrayBuffer(2 * text.length));
  for (let index = 0; index < text.length; index += 1) {
    bytes.setUint16(2 * index, text.charCodeAt(index), true);
  }
  return new Uint8Array(bytes.buffer);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
