import type { SqlConnection } from "../drivers/sql-connection.ts";
import { readCatalog } from "./catalog.ts";
import { createJournal, readJournal, recordMigration } from "./journal.ts";
import { type MigrateOptions, type MigrationTarget, underLock } from "./migrate.ts";
import { MigrationError } from "./migration-error.ts";
import { type MigrationFile, readMigrationFiles } from "./migration-files.ts";

/**
 * Writes all migrations into the journal of a database that `drizzle-kit push` made, without changing its tables.
 * Throws `MigrationError` `BASELINE_REFUSED` when there is a journal already or the tables are not what the migrations make.
 */
export async function recordBaseline(
  target: MigrationTarget,
  { folder }: Pick<MigrateOptions, "folder"> = {},
): Promise<{ recorded: readonly string[] }> {
  const files = await readMigrationFiles(folder);
  const connection = await target.connect();
  try {
    await underLock(connection, async () => {
      if ((await readJournal(connection)).length > 0) {
        throw new MigrationError("BASELINE_REFUSED", "the database has a journal of migrations: leave --baseline out");
      }
      refuseDifferences(await readCatalog(connection), await catalogOf(files, connection));
      await connection.query("begin");
      await createJournal(connection);
      for (const file of files) await recordMigration(connection, file);
      await connection.query("commit");
    });
    return { recorded: files.map(({ tag }) => tag) };
  } finally {
    await connection.close();
  }
}

/** What the migrations make, found out by running them in a schema of their own that is rolled back. */
async function catalogOf(files: readonly MigrationFile[], connection: SqlConnection): Promise<string[]> {
  await connection.query("begin");
  try {
    await connection.query("create schema gatehouse_baseline");
    await connection.query("set local search_path = gatehouse_baseline");
    for (const { statements } of files) for (const statement of statements) await connection.query(statement);
    return await readCatalog(connection);
  } finally {
    await connection.query("rollback");
  }
}

/** Differences that a refusal names; the rest is counted. */
const DIFFERENCES_NAMED = 5;

function refuseDifferences(present: readonly string[], wanted: readonly string[]): void {
  const differences = [
    ...wanted.filter((line) => !present.includes(line)).map((line) => `missing ${line}`),
    ...present.filter((line) => !wanted.includes(line)).map((line) => `unexpected ${line}`),
  ];
  if (differences.length === 0) return;
  const more = differences.length - DIFFERENCES_NAMED;
  throw new MigrationError(
    "BASELINE_REFUSED",
    `the tables are not what the migrations make: ${differences.slice(0, DIFFERENCES_NAMED).join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
  );
}
