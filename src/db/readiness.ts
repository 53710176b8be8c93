import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { sessions, users } from "./schema.ts";
import { statement } from "./statement.ts";
import { userFields } from "./user-row.ts";

// Names every column that requests use, and reads no row.
const checkTablesStatement = statement<Record<never, never>>("check_tables").as((compose) =>
  compose
    .select({
      user: userFields,
      passwordHash: users.passwordHash,
      tokenHash: sessions.tokenHash,
      seen: sessions.lastSeenAt,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .limit(0),
);

/**
 * Settles when the database answers, has the tables that requests need, however they came there, and is not known to refuse writes.
 * Throws `DatabaseError` `DATABASE_UNAVAILABLE`, with `notMigrated` when a table or column is missing.
 */
export async function checkReady(db: Database): Promise<void> {
  await db.query(checkTablesStatement, {});
  db.assertWritable();
}
