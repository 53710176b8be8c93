import { decodeBase64, encodeBase64 } from "./base64.ts";

/** A key outside the database that goes into every hash (Argon2's secret input), and its name inside the string. */
export interface Pepper {
  /** Base64 of the id, as PHC's `keyid` carries it. */
  readonly keyId: string;
  readonly key: Uint8Array;
}

export interface Peppers {
  /** What new hashes use; undefined: no pepper. */
  readonly current: Pepper | undefined;
  readonly byKeyId: ReadonlyMap<string, Pepper>;
}

export const NO_PEPPERS: Peppers = { current: undefined, byKeyId: new Map() };

const ID = /^[A-Za-z0-9._-]{1,8}$/;
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 64;

/**
 * Reads the setting PASSWORD_PEPPERS, `{"<keyid>":"<base64 key>"}`, of which the last is current. An id has 1 to 8 characters
 * out of A-Z a-z 0-9 . _ -, a key 16 to 64 bytes. Throws `Error` with a sentence that names no key.
 */
export function readPeppers(setting: string | undefined): Peppers {
  if (setting === undefined || setting.trim() === "") {
    return NO_PEPPERS;
  }
  const keys = parseKeys(setting);
  const ids = idsInWrittenOrder(setting);
  if (ids.length !== Object.keys(keys).length) {
    throw new Error("PASSWORD_PEPPERS names a key twice.");
  }
  const peppers = ids.map((id) => toPepper(id, keys[id]));
  return { current: peppers.at(-1), byKeyId: new Map(peppers.map((pepper) => [pepper.keyId, pepper])) };
}

function parseKeys(setting: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(setting);
  } catch {
    // The parser's own message quotes the text, which holds keys.
    throw new Error("PASSWORD_PEPPERS is not JSON.");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new Error('PASSWORD_PEPPERS must be an object of ids and base64 keys: {"k1":"…"}.');
  }
  return parsed as Record<string, unknown>;
}

// An object of JavaScript puts ids that look like whole numbers first, whatever was written.
function idsInWrittenOrder(setting: string): readonly string[] {
  return [...setting.matchAll(/"([^"\\]*)"\s*:/g)].map((match) => match[1] ?? "");
}

function toPepper(id: string, key: unknown): Pepper {
  if (!ID.test(id)) {
    throw new Error("PASSWORD_PEPPERS has an id that is not 1 to 8 characters out of A-Z a-z 0-9 . _ -");
  }
  const bytes = typeof key === "string" ? decodeBase64(key.replace(/=+$/, "")) : undefined;
  if (bytes === undefined || bytes.length < MIN_KEY_BYTES || bytes.length > MAX_KEY_BYTES) {
    throw new Error(`PASSWORD_PEPPERS: the key "${id}" is not base64 of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes.`);
  }
  return { keyId: encodeBase64(new TextEncoder().encode(id)), key: bytes };
}
