import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuthDeps, AuthPolicy } from "../../../src/auth/deps.ts";
import { logIn } from "../../../src/auth/log-in.ts";
import { register } from "../../../src/auth/register.ts";
import { checkSession, SESSION_IDLE_MS } from "../../../src/auth/session.ts";
import type { OpenDatabase } from "../../../src/db/database.ts";
import { connectTcp, openTcp } from "../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../src/db/migrator/migrate.ts";
import { findUserByEmail, replacePasswordHash } from "../../../src/db/users.ts";
import type { Hasher } from "../../../src/password/hasher.ts";
import { createBackground } from "../../../src/runtimes/node/background.ts";
import { createNodeHasher } from "../../../src/runtimes/node/hasher.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";

const password = "correct horse battery staple";
const HOUR_MS = 3_600_000;
const policy: AuthPolicy = {
  registration: "open",
  passwordMinLength: 15,
  legacy: { order: "salt-password", saltEncoding: "utf8" },
};

describe("logging in", () => {
  let postgres: PostgresServer;
  let database: OpenDatabase;
  let hasher: Hasher;
  let weakerHasher: Hasher;
  let now = new Date("2026-11-24T12:00:00Z");
  let background: Promise<void>[] = [];
  let tasks: string[] = [];
  let people = 0;
  const unreadable: unknown[] = [];

  const deps = (overrides: Partial<AuthDeps> = {}): AuthDeps => ({
    db: database.db,
    hasher,
    now: () => now,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    background: (task, work) => {
      tasks.push(task);
      background.push(work());
    },
    unreadableHash: (account) => unreadable.push(account),
    policy,
    ...overrides,
  });

  /** An account whose stored hash is weaker than what new hashes get. */
  async function somebody() {
    const email = `somebody-${++people}@example.com`;
    return { email, ...(await register(deps({ hasher: weakerHasher }), { email, password, userAgent: null })) };
  }

  const attempt = (email: string, overrides = {}) => ({
    email,
    password,
    userAgent: null,
    previousToken: null,
    ...overrides,
  });

  const storedHash = async (email: string) => (await findUserByEmail(database.db, email))?.passwordHash;

  beforeAll(async () => {
    postgres = await startPostgres();
    await migrate({ connect: () => connectTcp({ url: postgres.url }) });
    database = openTcp({ url: postgres.url });
    weakerHasher = createNodeHasher({ profile: "development", threads: 1 });
    hasher = createNodeHasher({ profile: "standard", threads: 1 });
  });

  afterAll(async () => {
    await hasher.close();
    await weakerHasher.close();
    await database.close();
    await postgres.stop();
  });

  it("stores a stronger hash when the parameters have grown, and later leaves it alone", async () => {
    const { email } = await somebody();
    const before = await storedHash(email);
    await logIn(deps(), attempt(email));
    await Promise.all(background);
    const after = await storedHash(email);
    expect(before).toContain("m=8192,t=1,p=1");
    expect(after).toContain("m=49152,t=3,p=1");
    tasks = [];
    await logIn(deps(), attempt(email));
    expect(tasks).not.toContain("rehash password");
    expect(await storedHash(email)).toBe(after);
  });

  it("never puts an old password back that was changed while it was rehashed", async () => {
    const { email, user } = await somebody();
    const from = (await storedHash(email)) ?? "";
    const to = await weakerHasher.hash("an entirely new password");
    await logIn(
      deps({
        background: (_task, work) => {
          background.push(replacePasswordHash(database.db, { userId: user.id, from, to }).then(work));
        },
      }),
      attempt(email),
    );
    await Promise.all(background);
    expect(await storedHash(email)).toBe(to);
  });

  it("succeeds although the rehash fails, and logs the failure", async () => {
    const { email } = await somebody();
    const logged: unknown[] = [];
    const log = { info: () => undefined, error: (fields: object) => logged.push(fields) };
    const real = createBackground(log);
    const failing: Hasher = { ...hasher, hash: () => Promise.reject(new Error("no")) };
    await expect(logIn(deps({ hasher: failing, background: real.run }), attempt(email))).resolves.toBeDefined();
    await real.settled();
    expect(logged).toEqual([{ task: "rehash password", err: new Error("no") }]);
  });

  it("refuses a disabled account as it refuses a wrong password", async () => {
    const { email, user } = await somebody();
    const connection = await connectTcp({ url: postgres.url });
    await connection.query("update users set disabled_at = now() where id = $1", [user.id]);
    await connection.close();
    const refusals: object[] = [];
    for (const each of [
      attempt(email),
      attempt(email, { password: "wrong horse battery staple" }),
      attempt("nobody@example.com"),
    ]) {
      refusals.push(await logIn(deps(), each).catch((error: Error) => ({ ...error, message: error.message })));
    }
    expect(refusals[0]).toMatchObject({ code: "INVALID_CREDENTIALS" });
    expect(refusals[1]).toEqual(refusals[0]);
    expect(refusals[2]).toEqual(refusals[0]);
  });

  it.each([
    ["a broken string", "$argon2id$v=19$m=8192,t=1,p=1$broken"],
    ["a string that was set aside", "$argon2id-unusable$-$5f4dcc3b5aa765d61d8327deb882cf99"],
    ["another engine's string", "$2b$12$abcdefghijklmnopqrstuv"],
    ["a string beyond the bounds", `$argon2id$v=19$m=8388608,t=1,p=1$${"A".repeat(22)}$${"A".repeat(43)}`],
    ["a string whose pepper is gone", `$argon2id$v=19$m=8192,t=1,p=1,keyid=AAAA$${"A".repeat(22)}$${"A".repeat(43)}`],
  ])(
    "refuses an account with %s as it refuses an unknown one, with the same work, and names its id alone",
    async (_what, stored) => {
      const { email, user } = await somebody();
      const connection = await connectTcp({ url: postgres.url });
      await connection.query("update users set password_hash = $1 where id = $2", [stored, user.id]);
      await connection.close();
      const hashed: unknown[] = [];
      const counting: Hasher = {
        ...weakerHasher,
        async verify(given, against, options) {
          const verification = await weakerHasher.verify(given, against, options);
          hashed.push(against);
          return verification;
        },
      };
      const refusal = (address: string) =>
        logIn(deps({ hasher: counting }), attempt(address)).catch((error: Error) => ({
          ...error,
          message: error.message,
        }));
      unreadable.length = 0;
      expect(await refusal(email)).toEqual(await refusal("nobody@example.com"));
      expect(hashed).toEqual([null, null]);
      const cause = expect.objectContaining({ code: "HASH_UNREADABLE" });
      expect(unreadable).toEqual([{ userId: user.id, setAside: stored.includes("unusable"), cause }]);
    },
  );

  it("ends the session the caller came with", async () => {
    const { email, token } = await somebody();
    const second = await logIn(deps(), attempt(email, { previousToken: token }));
    expect(await checkSession(deps(), token)).toBeNull();
    expect(await checkSession(deps(), second.token)).toMatchObject({ user: { email } });
  });

  it("gives a session that slides with use and ends without it", async () => {
    now = new Date("2026-11-24T12:00:00Z");
    const { token } = await somebody();
    now = new Date(now.getTime() + SESSION_IDLE_MS - HOUR_MS);
    background = [];
    expect(await checkSession(deps(), token)).not.toBeNull();
    await Promise.all(background);
    now = new Date(now.getTime() + 2 * HOUR_MS);
    expect(await checkSession(deps(), token)).not.toBeNull();
    await Promise.all(background);
    now = new Date(now.getTime() + SESSION_IDLE_MS);
    expect(await checkSession(deps(), token)).toBeNull();
  });

  it("keeps registration closed where it is closed, before any hashing", async () => {
    const closed = deps({ policy: { ...policy, registration: "closed" } });
    await expect(register(closed, { email: "new@example.com", password: "x", userAgent: null })).rejects.toMatchObject({
      code: "REGISTRATION_CLOSED",
    });
  });
});
