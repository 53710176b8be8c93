import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import type { BadLine } from "./read-records.ts";
import type { ImportedUser } from "./validate.ts";

/** Accounts in one statement. */
const BATCH = 1_000;

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
      if (keys.has(email) || keys.has(id))
        taken.push({ line, reason: "An account with its address or id is there already." });
    }
  }
  return taken;
}

/**
 * Stores all of them in one transaction, or none. Throws `DatabaseError` `UNIQUE_VIOLATION` when an address or id was taken
 * since `findTaken`.
 */
export async function storeUsers(
  connection: SqlConnection,
  users: readonly ImportedUser[],
  onStored: (count: number) => void,
): Promise<void> {
  await connection.query("begin");
  try {
    for (const batch of batches(users)) {
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
      onStored(batch.length);
    }
    await connection.query("commit");
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}
