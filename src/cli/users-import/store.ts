import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import { DatabaseError } from "../../errors.ts";
import type { BadLine } from "./read-records.ts";
import type { ImportedUser } from "./validate.ts";

/** Accounts in one statement. */
const BATCH = 1_000;

const TAKEN = "An account with its address or id is there already.";

/** The accounts whose address or id is taken, with their line. */
export async function findTaken(connection: SqlConnection, users: readonly ImportedUser[]): Promise<BadLine[]> {
  const taken: BadLine[] = [];
  for (const batch of batches(users)) {
    const rows = await connection.query(
      "select lower(email), id from users where lower(email) = any ($1::text[]) or id = any ($2::uuid[])",
      [batch.map(({ email }) => email), batch.map(({ id }) => id)],
    );
    const keys = new Set(rows.flat());
    for (const { line, email, id } of batch) {
      if (keys.has(email) || keys.has(id)) taken.push({ line, reason: TAKEN });
    }
  }
  return taken;
}

/**
 * Stores all of them in one transaction, or none when the database refuses some: then it gives those. Throws `DatabaseError` when
 * the database cannot be reached or has no time.
 */
export async function storeUsers(
  connection: SqlConnection,
  users: readonly ImportedUser[],
  onStored: (count: number) => void,
): Promise<BadLine[]> {
  const refused: BadLine[] = [];
  await connection.query("begin");
  try {
    for (const batch of batches(users)) {
      refused.push(...(await storeBatch(connection, batch)));
      onStored(batch.length);
    }
    await connection.query(refused.length === 0 ? "commit" : "rollback");
    return refused;
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** Stores them, or finds out one by one which of them the database refuses. */
async function storeBatch(connection: SqlConnection, batch: readonly ImportedUser[]): Promise<BadLine[]> {
  const refusal = await tryToInsert(connection, batch);
  if (refusal === undefined) return [];
  const [only] = batch;
  if (batch.length === 1 && only !== undefined) return [{ line: only.line, reason: refusal }];
  const refused: BadLine[] = [];
  for (const user of batch) refused.push(...(await storeBatch(connection, [user])));
  return refused;
}

/** Why the database refuses them; undefined when it does not. */
async function tryToInsert(connection: SqlConnection, batch: readonly ImportedUser[]): Promise<string | undefined> {
  await connection.query("savepoint batch");
  try {
    await insert(connection, batch);
    await connection.query("release savepoint batch");
    return undefined;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code === "DATABASE_UNAVAILABLE") throw error;
    // Class 42: the tables are others than this statement's (Postgres, appendix A), which is no line's fault.
    if (error.sqlState?.startsWith("42")) throw error;
    await connection.query("rollback to savepoint batch");
    return error.code === "UNIQUE_VIOLATION" ? TAKEN : `The database refuses it (SQLSTATE ${error.sqlState}).`;
  }
}

async function insert(connection: SqlConnection, batch: readonly ImportedUser[]): Promise<void> {
  await connection.query(
    `insert into users (id, email, password_hash, created_at, email_verified_at)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])`,
    [
      batch.map(({ id }) => id),
      batch.map(({ email }) => email),
      batch.map(({ passwordHash }) => passwordHash),
      batch.map(({ createdAt }) => createdAt.toISOString()),
      batch.map(({ emailVerifiedAt }) => emailVerifiedAt?.toISOString() ?? null),
    ],
  );
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}
