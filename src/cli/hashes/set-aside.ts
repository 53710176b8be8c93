import { type HashRow, SET_ASIDE_PREFIX } from "../../db/stored-hashes.ts";

/** The width of the column. */
const MAX_LENGTH = 255;

const SET_ASIDE = /^\$argon2id-unusable\$(?<length>-|\d{1,3})\$(?<rest>.*)$/s;

/**
 * The string for an account whose hash cannot be wrapped: `$argon2id-unusable$<length of the salt>$<salt><hash>`, `-` for no
 * salt. No password opens it, and all of the old row is in it. Undefined when that has no room.
 */
export function setAside({ passwordHash, salt }: Omit<HashRow, "id">): string | undefined {
  const text = `${SET_ASIDE_PREFIX}${salt === null ? "-" : [...salt].length}$${salt ?? ""}${passwordHash}`;
  return [...text].length <= MAX_LENGTH ? text : undefined;
}

/** The old row that `setAside` put into `text`; undefined for any other string. */
export function readSetAside(text: string): Omit<HashRow, "id"> | undefined {
  const { length, rest } = SET_ASIDE.exec(text)?.groups ?? {};
  if (length === undefined || rest === undefined) return undefined;
  if (length === "-") return { passwordHash: rest, salt: null };
  const characters = [...rest];
  return {
    salt: characters.slice(0, Number(length)).join(""),
    passwordHash: characters.slice(Number(length)).join(""),
  };
}
