import { DatabaseError } from "../../errors.ts";
import type { SqlConnection } from "../drivers/sql-connection.ts";
import type { AddressReport, NormalAddress } from "./address-report.ts";
import { compareWithJournal, createJournal, type MigrationStatus, readJournal, recordMigration } from "./journal.ts";
import { MigrationError, type MigrationErrorCode } from "./migration-error.ts";
import { type MigrationFile, readMigrationFiles } from "./migration-files.ts";
import { refuseOtherTable, TOLERATING } from "./old-table.ts";
import { settleAddresses } from "./settle-addresses.ts";

/** Where to migrate: an `OpenPglite`, or `connectTcp` or `connectNeon` bound to an address. Never Neon over HTTP. */
export interface MigrationTarget {
  connect(): Promise<SqlConnection>;
}

export interface MigrateOptions {
  /** Another folder than `drizzle/`. */
  readonly folder?: string;
  /** What an address is to us. Only a database without accounts can do without. */
  readonly normalAddress?: NormalAddress;
  /** Called when all addresses were looked at: before the first migration, and within the contracting one. */
  readonly onAddresses?: (report: AddressReport) => void;
  /** Called when a migration starts. */
  readonly onStart?: (tag: string) => void;
}

export interface MigrationReport {
  /** Tags this run applied, in order. */
  readonly applied: readonly string[];
}

/** Any number will do that no other program uses; the same in all versions of Gatehouse. */
const ADVISORY_LOCK = 7_244_185_403;

/**
 * Trusts `lower()`, so the addresses are looked at once more when its first statement has closed the table to writers: the old
 * application may have changed some since.
 */
const CONTRACTING = "0002_contract_users";

/** Time to wait for another migrator, and for a table that statements are using. */
const MIGRATOR_WAIT = "120s";
const TABLE_WAIT = "10s";

/**
 * Applies what is pending, each file in a transaction of its own, under an advisory lock held by the same connection: when
 * the connection goes, lock and unfinished work go together. With nothing pending it costs two reads and takes no lock.
 *
 * Throws `MigrationError`, or `DatabaseError` when the database cannot be reached. The file that failed leaves nothing behind.
 */
export async function migrate(target: MigrationTarget, options: MigrateOptions = {}): Promise<MigrationReport> {
  const files = await readMigrationFiles(options.folder);
  const connection = await target.connect();
  try {
    if ((await pendingFiles(connection, files)).length === 0) return { applied: [] };
    return await underLock(connection, () => applyPending(connection, files, options));
  } finally {
    await connection.close();
  }
}

/**
 * The same for a database that its program brings up to date when it starts: accounts that still have a legacy hash keep the
 * contracting migration waiting, and nothing else, because requests work without it.
 */
export async function migrateAtStart(
  target: MigrationTarget,
  options: Required<Pick<MigrateOptions, "normalAddress">>,
): Promise<MigrationReport> {
  try {
    return await migrate(target, options);
  } catch (error) {
    if (error instanceof MigrationError && error.code === "LEGACY_HASHES_LEFT") return { applied: error.applied };
    throw error;
  }
}

/** What is applied, pending and changed. Throws like `migrate`, but not for changed files. */
export async function migrationStatus(
  target: MigrationTarget,
  { folder }: Pick<MigrateOptions, "folder"> = {},
): Promise<{ migrations: MigrationStatus[]; unknown: number }> {
  const files = await readMigrationFiles(folder);
  const connection = await target.connect();
  try {
    return compareWithJournal(files, await readJournal(connection));
  } finally {
    await connection.close();
  }
}

/** Runs `work` while no other migrator can, and gives the connection back as it was. */
export async function underLock<T>(connection: SqlConnection, work: () => Promise<T>): Promise<T> {
  await connection.query(`set lock_timeout = '${MIGRATOR_WAIT}'`);
  await connection.query(`select pg_advisory_lock(${ADVISORY_LOCK})`);
  try {
    await connection.query(`set lock_timeout = '${TABLE_WAIT}'`);
    return await work();
  } finally {
    await connection.query(`select pg_advisory_unlock(${ADVISORY_LOCK})`);
    await connection.query("reset lock_timeout");
  }
}

async function pendingFiles(connection: SqlConnection, files: readonly MigrationFile[]): Promise<MigrationFile[]> {
  const { migrations, unknown } = compareWithJournal(files, await readJournal(connection));
  const changed = migrations.filter(({ state }) => state === "changed").map(({ tag }) => tag);
  if (changed.length > 0) {
    throw new MigrationError(
      "MIGRATION_CHANGED",
      `applied migrations must never change, but did: ${changed.join(", ")}`,
    );
  }
  if (unknown > 0) {
    throw new MigrationError(
      "JOURNAL_AHEAD",
      `the database has ${unknown} migrations that this version of Gatehouse does not know: use the newer version`,
    );
  }
  return files.filter((_, index) => migrations[index]?.state === "pending");
}

async function applyPending(
  connection: SqlConnection,
  files: readonly MigrationFile[],
  { onStart, normalAddress, onAddresses }: MigrateOptions,
): Promise<MigrationReport> {
  const applied: string[] = [];
  const settle = () => settleAddresses(connection, normalAddress, onAddresses);
  // Read again: another migrator may have been at work while we waited for the lock.
  const pending = await pendingFiles(connection, files);
  if (pending[0]?.tag === TOLERATING) await refuseOtherTable(connection);
  if (pending.length > 0) await inTransaction(connection, settle);
  for (const file of pending) {
    onStart?.(file.tag);
    const guarded = file.tag === CONTRACTING ? settle : undefined;
    await inTransaction(connection, () => applyFile(connection, file, guarded)).catch((error: unknown) => {
      throw explain(error, file.tag, applied);
    });
    applied.push(file.tag);
  }
  return { applied };
}

/** `guarded` runs between the first statement, a guard, and the others. */
async function applyFile(
  connection: SqlConnection,
  file: MigrationFile,
  guarded: () => Promise<void> = async () => undefined,
): Promise<void> {
  const [guard, ...others] = file.statements;
  await createJournal(connection);
  if (guard !== undefined) await connection.query(guard);
  await guarded();
  for (const statement of others) await connection.query(statement);
  await recordMigration(connection, file);
}

async function inTransaction(connection: SqlConnection, work: () => Promise<void>): Promise<void> {
  await connection.query("begin");
  try {
    await work();
    await connection.query("commit");
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** SQLSTATEs that the guards in our own files raise, and what to say instead of a hint that knows nothing of the table. */
const GUARDS: Readonly<Record<string, { readonly code: MigrationErrorCode; readonly next?: string }>> = {
  GH001: { code: "TABLE_UNKNOWN" },
  GH002: { code: "ADDRESSES_CLASH" },
  GH003: {
    code: "LEGACY_HASHES_LEFT",
    next:
      "Find out with one password you know how they were made: gatehouse hashes check <address>. " +
      "Then wrap them: gatehouse hashes wrap --algorithm <name> --order <order>, and migrate again",
  },
};

function explain(error: unknown, tag: string, applied: readonly string[]): unknown {
  if (error instanceof MigrationError) return new MigrationError(error.code, error.message, { cause: error, applied });
  if (!(error instanceof DatabaseError) || error.code === "DATABASE_UNAVAILABLE") return error;
  const { code, next } = GUARDS[error.sqlState ?? ""] ?? { code: "MIGRATION_FAILED" as const };
  const [said] = error.message.split(". ");
  const message = next === undefined ? error.message : `${said}. ${next}`;
  return new MigrationError(code, `${tag}: ${message}`, { cause: error, applied });
}
