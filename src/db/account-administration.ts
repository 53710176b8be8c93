import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import { call, type Database } from "./database.ts";
import { sessions, users } from "./schema.ts";
import { statement } from "./statement.ts";
import { type UserRow, userFields } from "./user-row.ts";
import { type Credentials, credentialFields } from "./users.ts";

export const findUserByIdStatement = statement<{ id: string }>("find_user_by_id").as((compose, value) =>
  compose
    .select(credentialFields)
    .from(users)
    .where(eq(users.id, value("id", users.id))),
);

export const listFirstUsersStatement = statement<{ limit: number }>("list_first_users").as((compose) =>
  compose.select(userFields).from(users).orderBy(asc(users.id)).limit(sql.placeholder("limit")),
);

export const listUsersAfterStatement = statement<{ after: string; limit: number }>("list_users_after").as(
  (compose, value) =>
    compose
      .select(userFields)
      .from(users)
      .where(gt(users.id, value("after", users.id)))
      .orderBy(asc(users.id))
      .limit(sql.placeholder("limit")),
);

export const countUserSessionsStatement = statement<{ userId: string; now: Date }>("count_user_sessions").as(
  (compose, value) =>
    compose
      .select({ lastSeenAt: sessions.lastSeenAt, sessions: sql<number>`count(*) over ()` })
      .from(sessions)
      .where(
        and(
          eq(sessions.userId, value("userId", sessions.userId)),
          gt(sessions.expiresAt, value("now", sessions.expiresAt)),
        ),
      )
      .orderBy(desc(sessions.lastSeenAt))
      .limit(1),
);

export const disableUserStatement = statement<{ id: string; now: Date }>("disable_user").as((compose, value) =>
  compose
    .update(users)
    .set({ disabledAt: sql`${value("now", users.disabledAt)}` })
    .where(and(eq(users.id, value("id", users.id)), isNull(users.disabledAt)))
    .returning({ id: users.id }),
);

export const deleteUserSessionsStatement = statement<{ id: string }>("delete_user_sessions").as((compose, value) =>
  compose
    .delete(sessions)
    .where(eq(sessions.userId, value("id", sessions.userId)))
    .returning({ expiresAt: sessions.expiresAt }),
);

// What a log-in that was under way while the account was disabled has left must not come to life.
export const deleteDisabledUserSessionsStatement = statement<{ id: string }>("delete_disabled_user_sessions").as(
  (compose, value) =>
    compose
      .delete(sessions)
      .where(
        inArray(
          sessions.userId,
          compose
            .select({ id: users.id })
            .from(users)
            .where(and(eq(users.id, value("id", users.id)), isNotNull(users.disabledAt))),
        ),
      )
      .returning({ id: sessions.id }),
);

export const enableUserStatement = statement<{ id: string }>("enable_user").as((compose, value) =>
  compose
    .update(users)
    .set({ disabledAt: null })
    .where(and(eq(users.id, value("id", users.id)), isNotNull(users.disabledAt)))
    .returning({ id: users.id }),
);

/** The account with this id, a UUID, disabled or not. */
export async function findUserById(db: Database, id: string): Promise<Credentials | null> {
  const [found] = await db.query(findUserByIdStatement, { id });
  return found ?? null;
}

/** At most `limit` accounts in order of their id, those after `after`, or from the first one. */
export async function listUsers(
  db: Database,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<UserRow[]> {
  return after === null
    ? db.query(listFirstUsersStatement, { limit })
    : db.query(listUsersAfterStatement, { after, limit });
}

/** How many sessions of an account have not expired, and when one of them was last seen (written hourly). */
export async function countUserSessions(
  db: Database,
  values: { userId: string; now: Date },
): Promise<{ readonly sessions: number; readonly lastSeenAt: Date | null }> {
  const [found] = await db.query(countUserSessionsStatement, values);
  return found ?? { sessions: 0, lastSeenAt: null };
}

/**
 * Lets nobody log in with the account any more and ends its sessions, both or neither (ASVS 5.0 7.4.2). `changed` is false when it was
 * disabled already, or is not there; `ended` counts the sessions that had not expired.
 */
export async function disableUser(
  db: Database,
  values: { id: string; now: Date },
): Promise<{ readonly changed: boolean; readonly ended: number }> {
  const [disabled, deleted] = await db.batch([
    call(disableUserStatement, values),
    call(deleteUserSessionsStatement, values),
  ]);
  return { changed: disabled.length === 1, ended: deleted.filter(({ expiresAt }) => expiresAt > values.now).length };
}

/** Lets people log in with the account again; it begins without a session. False when it was not disabled, or is not there. */
export async function enableUser(db: Database, values: { id: string }): Promise<boolean> {
  const [, enabled] = await db.batch([
    call(deleteDisabledUserSessionsStatement, values),
    call(enableUserStatement, values),
  ]);
  return enabled.length === 1;
}
