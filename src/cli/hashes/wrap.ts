import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import { type HashRow, type Replacement, readHashes, replaceHashes } from "../../db/stored-hashes.ts";
import { describeLegacyHash, parseLegacyHash } from "../../password/legacy-hash.ts";
import { ALGORITHMS, type LegacyScheme } from "./scheme.ts";
import { readSetAside, setAside } from "./set-aside.ts";

export interface WrapOptions {
  readonly connection: SqlConnection;
  /** Puts Argon2id around a plain legacy string; called for a whole batch at once. */
  readonly wrap: (legacy: string) => Promise<string>;
  readonly scheme: LegacyScheme;
  /** Rows read, hashed and written together, so what a kill costs at most. */
  readonly batchSize: number;
  /** Only see whether every row could be wrapped. */
  readonly dryRun?: boolean;
  /** Mark what no wrapping can help, so that it holds nothing up; the old row stays in the string. */
  readonly disableUnwrappable?: boolean;
  /** Try again what was marked so before. */
  readonly retryDisabled?: boolean;
  /** Ends after the batch under way. */
  readonly signal?: AbortSignal;
  readonly onBatch?: (rows: number) => void;
}

export interface Refusal {
  readonly id: string;
  readonly reason: string;
}

export interface WrapReport {
  /** With `dryRun`, how many could be. */
  readonly wrapped: number;
  /** Rows whose hash was replaced by somebody else meanwhile, by a login for example. */
  readonly changedMeanwhile: number;
  /** How many cannot be wrapped so; those marked instead are not among them. */
  readonly refused: number;
  /** Marked, because of `disableUnwrappable`. */
  readonly disabled: number;
  /** The first of both. */
  readonly refusals: readonly Refusal[];
  /** Of the refused, those whose digest has the length of another algorithm. */
  readonly fitting: ReadonlyMap<LegacyScheme["algorithm"], number>;
}

/** Refusals a report names. Usually all have the same reason, a wrong option. */
const MAX_REFUSALS = 20;

/**
 * Replaces every legacy hash by Argon2id around it, batch by batch in order of id. Each batch is one statement that touches only
 * rows still as they were read, so a run may be killed at any point and repeated, or run beside another, and wraps no row twice.
 */
export async function wrapLegacyHashes(options: WrapOptions): Promise<WrapReport> {
  const { connection, batchSize, dryRun = false, retryDisabled = false, signal, onBatch } = options;
  const total = { wrapped: 0, changedMeanwhile: 0, refused: 0, disabled: 0 };
  const refusals: Refusal[] = [];
  const fitting = new Map<LegacyScheme["algorithm"], number>();

  const which = retryDisabled ? "legacy or set-aside" : "legacy";
  for await (const rows of readHashes(connection, { which, batchSize })) {
    const { readable, refused, aside } = sort(rows, options);
    for (const { id, reason, fits } of [...refused, ...aside]) {
      if (refusals.length < MAX_REFUSALS) refusals.push({ id, reason });
      if (fits !== undefined) fitting.set(fits, (fitting.get(fits) ?? 0) + 1);
    }
    const stored = dryRun ? readable.length : await wrapBatch(options, readable);
    const marked = dryRun ? aside.length : (await replaceHashes(connection, aside)).length;
    total.wrapped += stored;
    total.disabled += marked;
    total.refused += refused.length;
    total.changedMeanwhile += readable.length - stored + aside.length - marked;
    onBatch?.(rows.length);
    if (signal?.aborted) break;
  }
  return { ...total, refusals, fitting };
}

type Readable = HashRow & { readonly legacy: string };
type Refused = Refusal & { readonly fits: LegacyScheme["algorithm"] | undefined };

function sort(rows: readonly HashRow[], { scheme, disableUnwrappable = false }: WrapOptions) {
  const readable: Readable[] = [];
  const refused: Refused[] = [];
  const aside: (Replacement & Refused)[] = [];
  for (const row of rows) {
    const old = readSetAside(row.passwordHash) ?? row;
    const described = describe(old, scheme);
    if ("legacy" in described) {
      readable.push({ ...row, legacy: described.legacy });
      continue;
    }
    const fits = otherAlgorithm(old, scheme);
    const refusal = { id: row.id, reason: described.reason, fits };
    // Another algorithm's turn comes in another run, and what is marked already stays so.
    const newHash = disableUnwrappable && fits === undefined && old === row ? setAside(row) : undefined;
    if (newHash === undefined) refused.push(refusal);
    else aside.push({ ...row, ...refusal, newHash });
  }
  return { readable, refused, aside };
}

async function wrapBatch({ connection, wrap }: WrapOptions, rows: readonly Readable[]): Promise<number> {
  const replacements = await Promise.all(
    rows.map(async (row): Promise<Replacement> => ({ ...row, newHash: await wrap(row.legacy) })),
  );
  return (await replaceHashes(connection, replacements)).length;
}

function describe(
  { passwordHash, salt }: Omit<HashRow, "id">,
  scheme: LegacyScheme,
): { legacy: string } | { reason: string } {
  if (salt === null) {
    return parseLegacyHash(passwordHash) === undefined
      ? { reason: "It has no salt and is no string of ours." }
      : { legacy: passwordHash };
  }
  try {
    return { legacy: describeLegacyHash({ ...scheme, digest: passwordHash, salt }) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : "It cannot be read." };
  }
}

function otherAlgorithm(row: Omit<HashRow, "id">, scheme: LegacyScheme): LegacyScheme["algorithm"] | undefined {
  if (row.salt === null) return undefined;
  return ALGORITHMS.find(
    (algorithm) => algorithm !== scheme.algorithm && "legacy" in describe(row, { ...scheme, algorithm }),
  );
}
