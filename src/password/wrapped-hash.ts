import { encodeBase64 } from "./base64.ts";
import { ALGORITHM_PATTERN, formatMade, MADE_PATTERN, toSaltedDigest } from "./legacy-hash.ts";
import { type Argon2Hash, formatPhcString, MAX_STORED_LENGTH, parsePhcString } from "./phc-string.ts";
import type { SaltedDigest } from "./salted-digest.ts";

/** Argon2id over an older system's digest, so that no fast hash stays at rest. */
export interface WrappedHash {
  readonly digest: SaltedDigest;
  /** Over the raw digest. */
  readonly argon2: Argon2Hash;
}

const WRAPPED = new RegExp(
  `^\\$argon2id-over-${ALGORITHM_PATTERN}(?<head>\\$v=19\\$[^$]*),${MADE_PATTERN},s=(?<salt>[A-Za-z0-9+/]*)(?<tail>\\$[^$]*\\$[^$]*)$`,
);

/** `$argon2id-over-sha256$v=19$m=…,t=…,p=…[,keyid=…],o=salt-first,e=utf8,i=1,s=<legacy salt>$<salt>$<tag>`: at most 255 characters. */
export function formatWrappedHash({ digest, argon2 }: WrappedHash): string {
  const [, , version, parameters, salt, tag] = formatPhcString(argon2).split("$");
  const made = `${formatMade(digest)},s=${encodeBase64(digest.salt)}`;
  return `$argon2id-over-${digest.algorithm}$${version}$${parameters},${made}$${salt}$${tag}`;
}

/** Reads what `formatWrappedHash` wrote; undefined for what does not begin like it. Throws `HasherError` `HASH_UNREADABLE`. */
export function parseWrappedHash(text: string): WrappedHash | undefined {
  const groups = text.length <= MAX_STORED_LENGTH ? WRAPPED.exec(text)?.groups : undefined;
  const digest = groups === undefined ? undefined : toSaltedDigest(groups, groups.salt ?? "");
  return digest === undefined
    ? undefined
    : { digest, argon2: parsePhcString(`$argon2id${groups?.head}${groups?.tail}`) };
}
