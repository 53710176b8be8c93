import { and, eq, sql } from "drizzle-orm";
import { type Call, call, type Database } from "./database.ts";
import { users } from "./schema.ts";
import { insertSessionCall, type NewSession } from "./sessions.ts";
import { statement } from "./statement.ts";
import { type UserRow, userFields } from "./user-row.ts";

export type { UserRow } from "./user-row.ts";

/** What checking a password needs. `salt` is set only for rows of the old table that nobody has wrapped or rehashed yet. */
export interface Credentials {
  readonly user: UserRow;
  readonly passwordHash: string;
  readonly salt: string | null;
}

export interface NewUser {
  readonly id: string;
  /** Normalised: it is stored as it is. */
  readonly email: string;
  readonly passwordHash: string;
  readonly createdAt: Date;
}

/** The columns of `Credentials`, for statements that answer them. */
export const credentialFields = {
  user: userFields,
  passwordHash: users.passwordHash,
  // Through the whole row: the column is there between migrations 0000 and 0002 only, and logins work throughout.
  salt: sql<string | null>`to_jsonb(users) ->> 'salt'`,
};

export const findUserByEmailStatement = statement<{ email: string }>("find_user_by_email").as((compose, value) =>
  compose
    .select(credentialFields)
    .from(users)
    // Both sides, so that index and look-up agree in every locale (see settle-addresses.ts for what else that takes).
    .where(sql`lower(${users.email}) = lower(${value("email", users.email)})`)
    .limit(1),
);

export const insertUserStatement = statement<NewUser>("insert_user").as((compose, value) =>
  compose
    .insert(users)
    .values({
      id: value("id", users.id),
      email: value("email", users.email),
      passwordHash: value("passwordHash", users.passwordHash),
      createdAt: value("createdAt", users.createdAt),
    })
    .returning(userFields),
);

export const replacePasswordHashStatement = statement<{ userId: string; from: string; to: string }>(
  "replace_password_hash",
).as((compose, value) =>
  compose
    .update(users)
    .set({ passwordHash: value("to", users.passwordHash) })
    .where(and(eq(users.id, value("userId", users.id)), eq(users.passwordHash, value("from", users.passwordHash))))
    .returning({ id: users.id }),
);

/** The account with this normalised address, disabled or not. */
export async function findUserByEmail(db: Database, email: string): Promise<Credentials | null> {
  const [found] = await db.query(findUserByEmailStatement, { email });
  return found ?? null;
}

/** Throws `DatabaseError` `UNIQUE_VIOLATION` (constraint `users_email_lower_unique`) when the address is taken. */
export async function insertUser(db: Database, user: NewUser): Promise<UserRow> {
  return only(await db.query(insertUserStatement, user));
}

/** Account and first session together or not at all. Throws like `insertUser`. */
export async function insertUserWithSession(
  db: Database,
  { user, session }: { user: NewUser; session: NewSession },
): Promise<UserRow> {
  const [inserted] = await db.batch([insertUserCall(user), insertSessionCall(session)]);
  return only(inserted);
}

/**
 * Compare-and-set: false when the stored hash is no longer `from`. While the old salt column is still there, the database
 * clears it together with the hash it belonged to (migration 0001).
 */
export async function replacePasswordHash(
  db: Database,
  values: { userId: string; from: string; to: string },
): Promise<boolean> {
  return (await db.query(replacePasswordHashStatement, values)).length === 1;
}

function insertUserCall(user: NewUser): Call<UserRow> {
  return call(insertUserStatement, user);
}

function only(rows: readonly UserRow[]): UserRow {
  const [row] = rows;
  if (row === undefined) throw new TypeError("an insert answered without its row");
  return row;
}
