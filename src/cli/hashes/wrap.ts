import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import { type LegacyRow, listLegacyRows, type Replacement, replaceLegacyHashes } from "../../db/legacy-hashes.ts";
import { describeLegacyHash, type LegacyHashDescription } from "../../password/legacy-hash.ts";

/** How the old application made its digests: everything that its table does not say. */
export type LegacyScheme = Pick<
  LegacyHashDescription,
  "algorithm" | "order" | "digestEncoding" | "saltEncoding" | "iterations"
>;

export interface WrapOptions {
  readonly connection: SqlConnection;
  /** Puts Argon2id around a plain legacy string; called for a whole batch at once. */
  readonly wrap: (legacy: string) => Promise<string>;
  readonly scheme: LegacyScheme;
  /** Rows read, hashed and written together, so what a kill costs at most. */
  readonly batchSize: number;
  /** Only see whether every row could be wrapped. */
  readonly dryRun?: boolean;
  /** Ends after the batch under way. */
  readonly signal?: AbortSignal;
  readonly onBatch?: (rows: number) => void;
}

export interface WrapReport {
  /** With `dryRun`, how many could be. */
  readonly wrapped: number;
  /** Rows whose hash was replaced by somebody else meanwhile, by a login for example. */
  readonly changedMeanwhile: number;
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Replaces every legacy hash by Argon2id around it, batch by batch in order of id. Each batch is one statement that touches only
 * rows still as they were read, so a run may be killed at any point and repeated, or run beside another, and wraps no row twice.
 */
export async function wrapLegacyHashes(options: WrapOptions): Promise<WrapReport> {
  const { connection, scheme, batchSize, dryRun = false, signal, onBatch } = options;
  let wrapped = 0;
  let changedMeanwhile = 0;
  const refused: { id: string; reason: string }[] = [];

  let rows = await listLegacyRows(connection, { after: null, limit: batchSize });
  while (rows.length > 0 && !signal?.aborted) {
    const readable = rows.flatMap((row) => {
      const described = describe(row, scheme);
      if ("legacy" in described) return [{ ...row, legacy: described.legacy }];
      refused.push({ id: row.id, reason: described.reason });
      return [];
    });
    const stored = dryRun ? readable.length : await wrapBatch(options, readable);
    wrapped += stored;
    changedMeanwhile += readable.length - stored;
    onBatch?.(rows.length);
    rows = await listLegacyRows(connection, { after: rows.at(-1)?.id ?? null, limit: batchSize });
  }
  return { wrapped, changedMeanwhile, refused };
}

async function wrapBatch(
  { connection, wrap }: WrapOptions,
  rows: readonly (LegacyRow & { readonly legacy: string })[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const replacements = await Promise.all(
    rows.map(async (row): Promise<Replacement> => ({ ...row, newHash: await wrap(row.legacy) })),
  );
  return (await replaceLegacyHashes(connection, replacements)).length;
}

function describe({ passwordHash, salt }: LegacyRow, scheme: LegacyScheme): { legacy: string } | { reason: string } {
  if (salt === null) return { legacy: passwordHash };
  try {
    return { legacy: describeLegacyHash({ ...scheme, digest: passwordHash, salt }) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : "It cannot be read." };
  }
}
