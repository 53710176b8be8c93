import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NewSession } from "../../../src/db/sessions.ts";
import type { NewUser } from "../../../src/db/users.ts";
import { DatabaseError } from "../../../src/errors.ts";
import { type DatabaseUnderTest, type Servers, startDatabase, startServers, WAYS } from "../../fixtures/databases.ts";
import type { Repository } from "../../fixtures/repository.ts";

const NOW = new Date("2026-11-24T12:34:56.789Z");
const later = (milliseconds: number) => new Date(NOW.getTime() + milliseconds);

const someUser = (values: Partial<NewUser> = {}): NewUser => {
  const id = uuidv7();
  return { id, email: `${id}@example.test`, passwordHash: "$argon2id$first", createdAt: NOW, ...values };
};

const someSession = (userId: string, values: Partial<NewSession> = {}): NewSession => ({
  id: uuidv7(),
  userId,
  tokenHash: Uint8Array.from(randomBytes(32)),
  createdAt: NOW,
  expiresAt: later(60_000),
  userAgent: "curl/8",
  ...values,
});

let servers: Servers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

describe.each(WAYS)("the repository over %s", (way) => {
  let database: DatabaseUnderTest;
  let repository: Repository;

  beforeAll(async () => {
    database = await startDatabase(way, servers);
    repository = database.repository;
  });
  afterAll(() => database.stop());

  async function run(text: string, params: unknown[] = []) {
    const connection = await database.connect();
    try {
      return await connection.query(text, params);
    } finally {
      await connection.close();
    }
  }

  const refusal = (work: Promise<unknown>): Promise<DatabaseError> =>
    work.then(
      () => Promise.reject(new Error("was not refused")),
      (error: unknown) => {
        expect(error).toBeInstanceOf(DatabaseError);
        return error as DatabaseError;
      },
    );

  it("finds an account as it was inserted, to the millisecond", async () => {
    const user = someUser();
    const expected = { id: user.id, email: user.email, emailVerifiedAt: null, disabledAt: null, createdAt: NOW };
    expect(await repository.insertUser(user)).toEqual(expected);
    expect(await repository.findUserByEmail(user.email)).toEqual({
      user: expected,
      passwordHash: user.passwordHash,
      salt: null,
    });
    expect(await repository.findUserByEmail("nobody@example.test")).toBeNull();
  });

  it("takes values for values, whatever they look like", async () => {
    const email = `o'hara";--$1\\x00 ${uuidv7()}@exämple.test`;
    await repository.insertUser(someUser({ email, passwordHash: "'; drop table users; --" }));
    expect(await repository.findUserByEmail(email)).toMatchObject({
      user: { email },
      passwordHash: "'; drop table users; --",
    });
  });

  it("refuses a second account for an address, in whatever case, and names the constraint", async () => {
    const user = someUser();
    await repository.insertUser(user);
    for (const email of [user.email, user.email.toUpperCase()]) {
      const { code, constraint } = await refusal(repository.insertUser(someUser({ email })));
      expect({ code, constraint }).toEqual({ code: "UNIQUE_VIOLATION", constraint: "users_email_lower_unique" });
    }
  });

  it("inserts an account and its first session together or not at all", async () => {
    const user = someUser();
    const session = someSession(user.id);
    await repository.insertUserWithSession({ user, session });
    expect(await repository.findSession({ tokenHash: session.tokenHash, now: NOW })).toEqual({
      session: {
        id: session.id,
        userId: user.id,
        createdAt: NOW,
        lastSeenAt: NOW,
        expiresAt: later(60_000),
        userAgent: "curl/8",
      },
      user: { id: user.id, email: user.email, emailVerifiedAt: null, disabledAt: null, createdAt: NOW },
    });

    const second = someUser();
    const taken = someSession(second.id, { tokenHash: session.tokenHash });
    const { code, constraint } = await refusal(repository.insertUserWithSession({ user: second, session: taken }));
    expect({ code, constraint }).toEqual({ code: "UNIQUE_VIOLATION", constraint: "sessions_token_hash_unique" });
    expect(await repository.findUserByEmail(second.email)).toBeNull();
  });

  it("finds a session until the instant it expires", async () => {
    const user = someUser();
    const session = someSession(user.id, { expiresAt: later(1_000), userAgent: null });
    await repository.insertUserWithSession({ user, session });
    const at = (milliseconds: number) =>
      repository.findSession({ tokenHash: session.tokenHash, now: later(milliseconds) });
    expect((await at(999))?.session.userAgent).toBeNull();
    expect(await at(1_000)).toBeNull();
    expect(await repository.findSession({ tokenHash: new Uint8Array(32), now: NOW })).toBeNull();
  });

  it("deletes the sessions that have expired, at most a hundred at a time, and no other", async () => {
    const user = someUser();
    await repository.insertUser(user);
    // Long before every other test's.
    const past = new Date("2001-01-01T00:00:00Z");
    await run(
      `insert into sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at)
       select gen_random_uuid(), $1::uuid, sha256(n::text::bytea), now(), now(), $2::timestamptz + n * interval '1 ms' from generate_series(0, 101) as n`,
      [user.id, past.toISOString()],
    );
    const left = async () =>
      (await run("select expires_at from sessions where user_id = $1 order by expires_at", [user.id])).length;
    const sweep = (milliseconds: number) =>
      repository.deleteExpiredSessions({ now: new Date(past.getTime() + milliseconds) });
    await sweep(100);
    expect(await left()).toBe(2);
    await sweep(100);
    expect(await left()).toBe(1);
    await sweep(100);
    expect(await left()).toBe(1);
  });

  it("finds no session of a disabled account", async () => {
    const user = someUser();
    const session = someSession(user.id);
    await repository.insertUserWithSession({ user, session });
    await run("update users set disabled_at = now() where id = $1", [user.id]);
    expect(await repository.findSession({ tokenHash: session.tokenHash, now: NOW })).toBeNull();
    expect((await repository.findUserByEmail(user.email))?.user.disabledAt).toBeInstanceOf(Date);
  });

  it("disables an account and ends its sessions at once, and no other's", async () => {
    const [user, other] = [someUser(), someUser()];
    const [session, another] = [someSession(user.id), someSession(other.id)];
    const expired = someSession(user.id, { expiresAt: later(-1) });
    await repository.insertUserWithSession({ user, session });
    await repository.insertSession(expired);
    await repository.insertUserWithSession({ user: other, session: another });
    const disable = (milliseconds: number) => repository.disableUser({ id: user.id, now: later(milliseconds) });
    expect(await disable(0)).toEqual({ changed: true, ended: 1 });
    expect((await repository.findUserById(user.id))?.user.disabledAt).toEqual(NOW);
    expect(await run("select id from sessions where user_id = $1", [user.id])).toEqual([]);
    expect(await repository.findSession({ tokenHash: another.tokenHash, now: NOW })).not.toBeNull();
    // The first time stays; what came in between goes.
    await repository.insertSession(someSession(user.id));
    expect(await disable(5)).toEqual({ changed: false, ended: 1 });
    expect((await repository.findUserById(user.id))?.user.disabledAt).toEqual(NOW);
    expect(await repository.disableUser({ id: uuidv7(), now: NOW })).toEqual({ changed: false, ended: 0 });
  });

  it("enables an account without a session, and leaves one alone that was not disabled", async () => {
    const user = someUser();
    const [session, late] = [someSession(user.id), someSession(user.id)];
    await repository.insertUserWithSession({ user, session });
    expect(await repository.enableUser({ id: user.id })).toBe(false);
    expect(await repository.findSession({ tokenHash: session.tokenHash, now: NOW })).not.toBeNull();
    await repository.disableUser({ id: user.id, now: NOW });
    // Of a log-in that was under way.
    await repository.insertSession(late);
    expect(await repository.enableUser({ id: user.id })).toBe(true);
    expect((await repository.findUserById(user.id))?.user.disabledAt).toBeNull();
    expect(await repository.findSession({ tokenHash: late.tokenHash, now: NOW })).toBeNull();
  });

  it("counts an account's sessions that have not expired, and knows the last use", async () => {
    const user = someUser();
    await repository.insertUser(user);
    const count = () => repository.countUserSessions({ userId: user.id, now: NOW });
    expect(await count()).toEqual({ sessions: 0, lastSeenAt: null });
    await repository.insertSession(someSession(user.id, { createdAt: later(-3) }));
    await repository.insertSession(someSession(user.id, { createdAt: later(-2) }));
    await repository.insertSession(someSession(user.id, { createdAt: later(-1), expiresAt: NOW }));
    expect(await count()).toEqual({ sessions: 2, lastSeenAt: later(-2) });
  });

  it("lists all accounts once, a page at a time in order of id", async () => {
    const everyone = Array.from({ length: 5 }, () => someUser());
    for (const user of everyone) await repository.insertUser(user);
    const ids: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await repository.listUsers({ after, limit: 2 });
      expect(page.length).toBeLessThanOrEqual(2);
      ids.push(...page.map(({ id }) => id));
      after = page.at(-1)?.id ?? null;
      if (after === null) break;
    }
    expect(ids).toEqual((await run("select id from users order by id")).flat());
    expect(ids).toEqual(expect.arrayContaining(everyone.map(({ id }) => id)));
    const first = everyone[0]?.id ?? "";
    expect((await repository.findUserById(first))?.user.id).toBe(first);
    expect(await repository.findUserById(uuidv7())).toBeNull();
  });

  it("moves a session's times, and does not bring a deleted one back", async () => {
    const user = someUser();
    const session = someSession(user.id);
    await repository.insertUserWithSession({ user, session });
    const moved = { id: session.id, lastSeenAt: later(5), expiresAt: later(90_000) };
    await repository.touchSession(moved);
    expect((await repository.findSession({ tokenHash: session.tokenHash, now: NOW }))?.session).toMatchObject({
      lastSeenAt: later(5),
      expiresAt: later(90_000),
    });
    expect(await repository.deleteSession({ tokenHash: session.tokenHash })).toBe(true);
    expect(await repository.deleteSession({ tokenHash: session.tokenHash })).toBe(false);
    await repository.touchSession(moved);
    expect(await repository.findSession({ tokenHash: session.tokenHash, now: NOW })).toBeNull();
  });

  it("replaces a password hash only while it is the one that was checked", async () => {
    const user = someUser();
    await repository.insertUser(user);
    const replace = (to: string) => repository.replacePasswordHash({ userId: user.id, from: "$argon2id$first", to });
    const outcomes = await Promise.all([replace("$argon2id$a"), replace("$argon2id$b")]);
    expect(outcomes.toSorted()).toEqual([false, true]);
    expect((await repository.findUserByEmail(user.email))?.passwordHash).toBe(
      outcomes[0] ? "$argon2id$a" : "$argon2id$b",
    );
  });

  it("deletes an account's sessions with it", async () => {
    const user = someUser();
    const session = someSession(user.id);
    await repository.insertUserWithSession({ user, session });
    await run("delete from users where id = $1", [user.id]);
    expect(await repository.findSession({ tokenHash: session.tokenHash, now: NOW })).toBeNull();
  });

  it("keeps values out of messages and causes", async () => {
    const marker = `marker-${uuidv7()}`;
    const user = someUser({ email: `${marker}@example.test`, passwordHash: `$argon2id$${marker}` });
    await repository.insertUser(user);
    const errors = await Promise.all([
      refusal(repository.insertUser({ ...user, id: uuidv7() })),
      refusal(repository.insertUser(someUser({ email: marker.repeat(20) }))),
      refusal(repository.insertUser(someUser({ id: marker }))),
      refusal(repository.insertSession(someSession(user.id, { tokenHash: Uint8Array.from(randomBytes(31)) }))),
      refusal(repository.insertSession(someSession(uuidv7(), { userAgent: marker }))),
    ]);
    expect(errors.map(({ code }) => code)).toEqual([
      "UNIQUE_VIOLATION",
      "QUERY_FAILED",
      "QUERY_FAILED",
      "QUERY_FAILED",
      "QUERY_FAILED",
    ]);
    for (const error of errors) {
      const cause = error.cause as Error | undefined;
      expect(
        [error.message, error.stack, cause?.message, cause?.stack, JSON.stringify(cause)].join("\n"),
      ).not.toContain(marker);
    }
  });

  it("serves many callers at once", async () => {
    const everyone = Array.from({ length: 40 }, () => someUser());
    await Promise.all(everyone.map((user) => repository.insertUser(user)));
    const found = await Promise.all(everyone.map(({ email }) => repository.findUserByEmail(email)));
    expect(found.map((credentials) => credentials?.user.id)).toEqual(everyone.map(({ id }) => id));
  });

  it("is ready only while the tables are there", async () => {
    await repository.checkReady();
    await run("alter table sessions rename to elsewhere");
    try {
      const { code, message } = await refusal(repository.checkReady());
      expect({ code, message }).toEqual({
        code: "DATABASE_UNAVAILABLE",
        message: expect.stringContaining("gatehouse db migrate"),
      });
    } finally {
      await run("alter table elsewhere rename to sessions");
    }
    await repository.checkReady();
  });
});
