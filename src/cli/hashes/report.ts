import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import { type HashRow, readHashes } from "../../db/stored-hashes.ts";
import { describeLegacyHash } from "../../password/legacy-hash.ts";
import { assertWithinBounds, BOUNDS } from "../../password/parameters.ts";
import { parseStoredHash } from "../../password/stored-hash.ts";
import { ALGORITHMS } from "./scheme.ts";
import { readSetAside } from "./set-aside.ts";

export interface SchemeCount {
  /** How the hashes were made, with their parameters, in the words of the stored strings. */
  readonly scheme: string;
  readonly accounts: number;
  /** The first of those that nobody can log in with, because the hash cannot be read. */
  readonly ids?: readonly string[];
}

/** Rows read at once. */
const BATCH = 2_000;

/** Kinds told apart; what comes after so many is counted together. */
const MAX_SCHEMES = 200;

const MAX_IDS = 20;

const UNREADABLE = "unreadable: every log-in is refused (gatehouse hashes reset <address or id>)";
const SET_ASIDE = "marked by hashes wrap --disable-unwrappable";
const OTHERS = "others";

/** How many accounts have which kind of hash, most first; read by the engine that checks passwords, so that both agree. */
export async function countSchemes(
  connection: SqlConnection,
  options: { readonly knowsPepper: (keyId: string) => boolean },
): Promise<SchemeCount[]> {
  const counts = new Map<string, number>();
  const ids: string[] = [];
  for await (const rows of readHashes(connection, { which: "all", batchSize: BATCH })) {
    for (const row of rows) {
      const found = schemeOf(row, options);
      const scheme = counts.has(found) || counts.size < MAX_SCHEMES ? found : OTHERS;
      counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
      if (found === UNREADABLE && ids.length < MAX_IDS) ids.push(row.id);
    }
  }
  return [...counts]
    .map(([scheme, accounts]) => ({ scheme, accounts, ...(scheme === UNREADABLE ? { ids } : {}) }))
    .toSorted((a, b) => b.accounts - a.accounts || a.scheme.localeCompare(b.scheme));
}

function schemeOf(row: HashRow, { knowsPepper }: { readonly knowsPepper: (keyId: string) => boolean }): string {
  if (readSetAside(row.passwordHash) !== undefined) return SET_ASIDE;
  if (row.salt !== null) return schemeOfOldRow(row.passwordHash, row.salt);
  try {
    const hash = parseStoredHash(row.passwordHash);
    if (hash.kind === "legacy") return head(row.passwordHash, 3);
    assertWithinBounds(hash.argon2.parameters, BOUNDS);
    if (hash.argon2.keyId !== undefined && !knowsPepper(hash.argon2.keyId)) return UNREADABLE;
    return head(row.passwordHash, 4).replace(/,s=[^$]*/, "");
  } catch {
    return UNREADABLE;
  }
}

function schemeOfOldRow(digest: string, salt: string): string {
  const made = ALGORITHMS.find((algorithm) => {
    try {
      describeLegacyHash({ algorithm, order: "salt-first", digest, digestEncoding: "hex", salt, saltEncoding: "utf8" });
      return true;
    } catch {
      return false;
    }
  });
  return made === undefined
    ? `old table, digest of ${digest.length} characters that is not hex SHA-2`
    : `old table, ${made} in hex`;
}

/** The fields of a stored string that come before its salt, of which there are `fields`, the empty one before the first `$` included. */
function head(stored: string, fields: number): string {
  return stored.split("$").slice(0, fields).join("$");
}
