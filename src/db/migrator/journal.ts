import type { SqlConnection } from "../drivers/sql-connection.ts";
import type { MigrationFile } from "./migration-files.ts";

/** A row of drizzle's journal table. */
export interface JournalRow {
  readonly hash: string;
  readonly createdAt: number;
}

export type MigrationState = "applied" | "pending" | "changed";

export interface MigrationStatus {
  readonly tag: string;
  /** `changed`: applied, but the file is not what it was then. */
  readonly state: MigrationState;
}

/** Rows of the journal, oldest first; none when the table is not there. */
export async function readJournal(connection: SqlConnection): Promise<JournalRow[]> {
  const [table] = await connection.query("select to_regclass('drizzle.__drizzle_migrations') is not null");
  if (table?.[0] !== true) return [];
  const rows = await connection.query("select hash, created_at from drizzle.__drizzle_migrations order by created_at");
  return rows.map(([hash, createdAt]) => ({ hash: String(hash), createdAt: Number(createdAt) }));
}

/** Makes drizzle's journal table as drizzle itself would. */
export async function createJournal(connection: SqlConnection): Promise<void> {
  await connection.query('create schema if not exists "drizzle"');
  await connection.query(
    "create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)",
  );
}

export async function recordMigration(connection: SqlConnection, { hash, createdAt }: MigrationFile): Promise<void> {
  await connection.query("insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)", [
    hash,
    createdAt,
  ]);
}

/** Compares files with journal. `unknown` counts journal rows that no file accounts for. */
export function compareWithJournal(
  files: readonly MigrationFile[],
  journal: readonly JournalRow[],
): { migrations: MigrationStatus[]; unknown: number } {
  const hashByTime = new Map(journal.map(({ createdAt, hash }) => [createdAt, hash]));
  const migrations = files.map(({ tag, createdAt, hash }): MigrationStatus => {
    const applied = hashByTime.get(createdAt);
    if (applied === undefined) return { tag, state: "pending" };
    return { tag, state: applied === hash ? "applied" : "changed" };
  });
  const known = new Set(files.map(({ createdAt }) => createdAt));
  return { migrations, unknown: journal.filter(({ createdAt }) => !known.has(createdAt)).length };
}
