import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import { readHashes, replaceHashes } from "../../db/stored-hashes.ts";
import { decodeBase64, encodeBase64 } from "../../password/base64.ts";
import { describeLegacyHash, MAX_LEGACY_SALT_BYTES } from "../../password/legacy-hash.ts";
import type { SaltedDigest } from "../../password/salted-digest.ts";
import { parseStoredHash } from "../../password/stored-hash.ts";
import { formatWrappedHash } from "../../password/wrapped-hash.ts";
import type { LegacyScheme } from "./scheme.ts";

/** What the strings say of how their digests were made, and what is true. */
export interface Relabelling {
  readonly order: { readonly from: LegacyScheme["order"]; readonly to: LegacyScheme["order"] };
  readonly salt: { readonly from: LegacyScheme["saltEncoding"]; readonly to: LegacyScheme["saltEncoding"] };
}

export interface RelabelReport {
  readonly relabelled: number;
  readonly changedMeanwhile: number;
  /** Labelled `from`, but their salt cannot be read the other way. */
  readonly refused: number;
}

/** Rows read and written together. */
const BATCH = 1_000;

/**
 * Corrects what wrapped and legacy strings say of order and salt: the tags inside do not change, so no password is needed. All in
 * one transaction, because a salt that was read anew must not be so twice; each row only as it was read.
 */
export async function relabelHashes(
  connection: SqlConnection,
  { relabelling, dryRun }: { readonly relabelling: Relabelling; readonly dryRun: boolean },
): Promise<RelabelReport> {
  const total = { relabelled: 0, changedMeanwhile: 0, refused: 0 };
  await connection.query("begin");
  try {
    for await (const rows of readHashes(connection, { which: "labelled", batchSize: BATCH })) {
      const wanted = rows.flatMap((row) => {
        const newHash = relabel(row.passwordHash, relabelling);
        if (newHash === "refused") total.refused += 1;
        return newHash === undefined || newHash === "refused" ? [] : [{ ...row, newHash }];
      });
      const stored = dryRun ? wanted.length : (await replaceHashes(connection, wanted)).length;
      total.relabelled += stored;
      total.changedMeanwhile += wanted.length - stored;
    }
    await connection.query("commit");
    return total;
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** The corrected string; undefined for one that is not labelled `from`, `refused` when its salt cannot be read so. */
export function relabel(stored: string, { order, salt }: Relabelling): string | "refused" | undefined {
  const hash = parse(stored);
  if (hash === undefined || hash.kind === "argon2id" || hash.digest.order !== order.from) return undefined;
  const saltBytes = readAnew(hash.digest.salt, salt);
  if (saltBytes === undefined || saltBytes.length > MAX_LEGACY_SALT_BYTES) return "refused";
  const digest: SaltedDigest = { ...hash.digest, order: order.to, salt: saltBytes };
  if (hash.kind === "wrapped") return formatWrappedHash({ digest, argon2: hash.argon2 });
  return describeLegacyHash({
    ...digest,
    digest: encodeBase64(hash.tag),
    digestEncoding: "base64",
    salt: encodeBase64(digest.salt),
    saltEncoding: "base64",
  });
}

function parse(stored: string) {
  try {
    return parseStoredHash(stored);
  } catch {
    return undefined;
  }
}

/** The bytes that the salt's text gives when it is read as `to`, having been read as `from`. Hex is taken to be lower case. */
function readAnew(bytes: Uint8Array, { from, to }: Relabelling["salt"]): Uint8Array | undefined {
  if (from === to) return bytes;
  const text = textOf(bytes, from);
  if (text === undefined) return undefined;
  switch (to) {
    case "utf8":
      return new TextEncoder().encode(text);
    case "hex":
      return /^(?:[0-9a-f]{2})+$/i.test(text) ? Uint8Array.from(Buffer.from(text, "hex")) : undefined;
    case "base64":
      return decodeBase64(text.replace(/={1,2}$/, ""));
  }
}

function textOf(bytes: Uint8Array, encoding: LegacyScheme["saltEncoding"]): string | undefined {
  if (encoding !== "utf8") return Buffer.from(bytes).toString(encoding);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
