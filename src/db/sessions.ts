import { and, asc, eq, gt, isNull, lte, sql } from "drizzle-orm";
import { type Call, call, type Database } from "./database.ts";
import { sessions, users } from "./schema.ts";
import { statement } from "./statement.ts";
import { type UserRow, userFields } from "./user-row.ts";

export interface SessionRow {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly userAgent: string | null;
}

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  /** SHA-256 of the token, 32 bytes. */
  readonly tokenHash: Uint8Array;
  /** Also the first `lastSeenAt`. */
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** At most 512 characters. */
  readonly userAgent: string | null;
}

const sessionFields = {
  id: sessions.id,
  userId: sessions.userId,
  createdAt: sessions.createdAt,
  lastSeenAt: sessions.lastSeenAt,
  expiresAt: sessions.expiresAt,
  userAgent: sessions.userAgent,
};

export const insertSessionStatement = statement<NewSession>("insert_session").as((compose, value) =>
  compose
    .insert(sessions)
    .values({
      id: value("id", sessions.id),
      userId: value("userId", sessions.userId),
      tokenHash: value("tokenHash", sessions.tokenHash),
      createdAt: value("createdAt", sessions.createdAt),
      lastSeenAt: value("createdAt", sessions.lastSeenAt),
      expiresAt: value("expiresAt", sessions.expiresAt),
      userAgent: value("userAgent", sessions.userAgent),
    })
    .returning({ id: sessions.id }),
);

export const findSessionStatement = statement<{ tokenHash: Uint8Array; now: Date }>("find_session").as(
  (compose, value) =>
    compose
      .select({ session: sessionFields, user: userFields })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          eq(sessions.tokenHash, value("tokenHash", sessions.tokenHash)),
          gt(sessions.expiresAt, value("now", sessions.expiresAt)),
          isNull(users.disabledAt),
        ),
      ),
);

export const touchSessionStatement = statement<{ id: string; lastSeenAt: Date; expiresAt: Date }>("touch_session").as(
  (compose, value) =>
    compose
      .update(sessions)
      .set({
        lastSeenAt: value("lastSeenAt", sessions.lastSeenAt),
        expiresAt: value("expiresAt", sessions.expiresAt),
      })
      .where(eq(sessions.id, value("id", sessions.id)))
      .returning({ id: sessions.id }),
);

export const deleteSessionStatement = statement<{ tokenHash: Uint8Array }>("delete_session").as((compose, value) =>
  compose
    .delete(sessions)
    .where(eq(sessions.tokenHash, value("tokenHash", sessions.tokenHash)))
    .returning({ id: sessions.id }),
);

/** Expired sessions deleted at a time: many times what a login adds, and little enough to hold nobody up. */
const SWEEP = 100;

// As an array, not as a join: a prepared plan that does not know how few there are reads the whole table for the join.
export const deleteExpiredSessionsStatement = statement<{ now: Date }>("delete_expired_sessions").as(
  (compose, value) => {
    const expired = compose
      .select({ id: sessions.id })
      .from(sessions)
      .where(lte(sessions.expiresAt, value("now", sessions.expiresAt)))
      .orderBy(asc(sessions.expiresAt))
      .limit(SWEEP);
    return compose.delete(sessions).where(sql`${sessions.id} = any (array(${expired}))`).returning({ id: sessions.id });
  },
);

export async function insertSession(db: Database, session: NewSession): Promise<void> {
  await db.query(insertSessionStatement, session);
}

/** The same as a part of a batch. */
export function insertSessionCall(session: NewSession): Call<{ id: string }> {
  return call(insertSessionStatement, session);
}

/** Session and account behind a token, in one statement; null when it is unknown, has expired or the account is disabled. */
export async function findSession(
  db: Database,
  values: { tokenHash: Uint8Array; now: Date },
): Promise<{ session: SessionRow; user: UserRow } | null> {
  const [found] = await db.query(findSessionStatement, values);
  return found ?? null;
}

/** Moves both times; a session that is gone meanwhile stays gone. */
export async function touchSession(
  db: Database,
  values: { id: string; lastSeenAt: Date; expiresAt: Date },
): Promise<void> {
  await db.query(touchSessionStatement, values);
}

/** False when there was no such session. */
export async function deleteSession(db: Database, values: { tokenHash: Uint8Array }): Promise<boolean> {
  return (await db.query(deleteSessionStatement, values)).length === 1;
}

/** Deletes up to 100 sessions that have expired, oldest first. Called after each login, it keeps the table to what is alive. */
export async function deleteExpiredSessions(db: Database, values: { now: Date }): Promise<void> {
  await db.query(deleteExpiredSessionsStatement, values);
}
