import { DatabaseError } from "../../errors.ts";
import type { SqlConnection } from "../drivers/sql-connection.ts";
import type { AddressReport, NormalAddress } from "./address-report.ts";
import { findClashes, findOddAddresses, rewriteOddAddresses, scanAddresses } from "./address-scan.ts";
import { MigrationError } from "./migration-error.ts";

/**
 * Looks at every address with `normalAddress`, and rewrites those that `lower()`, which depends on the database's locale, does
 * not make what we look up. Each row changes only if it still is as it was read. Inside a transaction of the caller's, so that a
 * kill undoes all of it. Does nothing when there is no table of accounts yet, or another of that name.
 *
 * Throws `MigrationError` `ADDRESSES_CLASH` before it changes anything, after `onReport` got the accounts.
 */
export async function settleAddresses(
  connection: SqlConnection,
  normalAddress: NormalAddress | undefined,
  onReport: (report: AddressReport) => void = () => undefined,
): Promise<void> {
  if (!(await hasAccounts(connection))) return;
  if (normalAddress === undefined)
    throw new TypeError("a table with accounts cannot be migrated without normalAddress");
  const report = await look(connection, normalAddress);
  if (report.clashing.addresses > 0) {
    onReport(report);
    throw clash(report.clashing.addresses);
  }
  const rewritten = await rewriteOddAddresses(connection).catch((error: unknown) => {
    throw isTaken(error) ? new MigrationError("ADDRESSES_CLASH", CAME_MEANWHILE, { cause: error }) : error;
  });
  onReport({ ...report, rewritten });
}

/** The same report, of what would be rewritten, without changing anything. Null when there is no table of accounts. */
export async function inspectAddresses(
  connection: SqlConnection,
  normalAddress: NormalAddress,
): Promise<AddressReport | null> {
  if (!(await hasAccounts(connection))) return null;
  await connection.query("begin");
  return look(connection, normalAddress).finally(() => connection.query("rollback"));
}

async function look(connection: SqlConnection, normalAddress: NormalAddress): Promise<AddressReport> {
  const scanned = await scanAddresses(connection, normalAddress);
  return { ...scanned, clashing: await findClashes(connection), rewritten: await findOddAddresses(connection) };
}

/** The columns that the old table and ours have in common: without them it is a table of somebody else. */
async function hasAccounts(connection: SqlConnection): Promise<boolean> {
  const [columns] = await connection.query(`
    select count(*) from information_schema.columns
    where table_schema = current_schema() and table_name = 'users' and (column_name, data_type) in (
      ('id', 'uuid'), ('email', 'character varying'), ('password_hash', 'character varying'),
      ('created_at', 'timestamp with time zone'))`);
  if (Number(columns?.[0]) < 4) return false;
  return (await connection.query("select 1 from users limit 1")).length > 0;
}

const CAME_MEANWHILE = "an account was added meanwhile whose address another has: migrate again to see which";

function clash(addresses: number): MigrationError {
  return new MigrationError(
    "ADDRESSES_CLASH",
    `${addresses} addresses belong to several accounts that differ only in upper and lower case, in how letters are composed ` +
      "or in surrounding space. Rename or delete all but one account of each address, then migrate again",
  );
}

function isTaken(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "UNIQUE_VIOLATION";
}
