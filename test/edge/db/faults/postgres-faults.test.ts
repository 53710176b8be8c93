import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenDatabase } from "../../../../src/db/database.ts";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { connectTcp, openTcp } from "../../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../../src/db/migrator/migrate.ts";
import { findSession } from "../../../../src/db/sessions.ts";
import { findUserByEmail, insertUser, insertUserWithSession } from "../../../../src/db/users.ts";
import { type PostgresServer, startPostgres } from "../../../fixtures/postgres.ts";

const MAX_CONNECTIONS = 8;
const NOW = new Date("2026-11-24T12:00:00Z");

let postgres: PostgresServer;
let admin: SqlConnection;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { max_connections: MAX_CONNECTIONS, superuser_reserved_connections: 0 } });
  await migrate({ connect: () => connectTcp({ url: postgres.url }) });
  admin = await connectTcp({ url: postgres.url });
});
afterAll(async () => {
  await admin.close();
  await postgres.stop();
});

const newUser = () => {
  const id = uuidv7();
  return { id, email: `${id}@example.test`, passwordHash: "$argon2id$x", createdAt: NOW };
};

/** Statements on users wait inside `work` until it ends. */
async function withUsersLocked(work: () => Promise<void>): Promise<void> {
  await admin.query("begin");
  await admin.query("lock table users in access exclusive mode");
  await work().finally(() => admin.query("rollback"));
}

/** Ends the backend that waits for the lock, once there is one. */
async function cutWaitingConnection(): Promise<void> {
  for (;;) {
    // A transaction keeps seeing the activity that it saw first.
    await admin.query("select pg_stat_clear_snapshot()");
    const cut = await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'gatehouse' and pid <> pg_backend_pid()",
    );
    if (cut.length > 0) return;
  }
}

async function using(options: Partial<Parameters<typeof openTcp>[0]>, work: (open: OpenDatabase) => Promise<void>) {
  const open = openTcp({ url: postgres.url, ...options });
  await work(open).finally(open.close);
}

describe("over TCP, a database in trouble", () => {
  it("costs a read whose connection is cut inside the statement nothing", async () => {
    await using({}, async ({ db }) => {
      const user = newUser();
      await insertUser(db, user);
      let found: ReturnType<typeof findUserByEmail> | undefined;
      await withUsersLocked(async () => {
        found = findUserByEmail(db, user.email);
        await cutWaitingConnection();
      });
      expect((await found)?.user.id).toBe(user.id);
    });
  });

  it("fails a write whose connection is cut inside the statement, and does not send it twice", async () => {
    await using({}, async ({ db }) => {
      const user = newUser();
      await withUsersLocked(async () => {
        const refused = expect(insertUser(db, user)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
        await cutWaitingConnection();
        await refused;
      });
      expect(await findUserByEmail(db, user.email)).toBeNull();
      await insertUser(db, user);
    });
  });

  it("undoes a batch that is cut in the middle", async () => {
    await using({}, async ({ db }) => {
      const user = newUser();
      const session = {
        id: uuidv7(),
        userId: user.id,
        tokenHash: randomBytes(32),
        createdAt: NOW,
        expiresAt: new Date(NOW.getTime() + 1),
        userAgent: null,
      };
      await admin.query("begin");
      await admin.query("lock table sessions in access exclusive mode");
      const refused = expect(insertUserWithSession(db, { user, session })).rejects.toMatchObject({
        code: "DATABASE_UNAVAILABLE",
      });
      await cutWaitingConnection();
      await refused;
      await admin.query("rollback");
      expect(await findUserByEmail(db, user.email)).toBeNull();
    });
  });

  it("with all its connections taken refuses, and takes us in when one is free", async () => {
    const others: SqlConnection[] = [];
    for (;;) {
      const other = await connectTcp({ url: postgres.url }).catch(() => undefined);
      if (other === undefined) break;
      others.push(other);
    }
    expect(others).toHaveLength(MAX_CONNECTIONS - 1);
    await using({}, async ({ db }) => {
      await expect(findUserByEmail(db, "a@example.test")).rejects.toMatchObject({
        code: "DATABASE_UNAVAILABLE",
        message: "the database has no room or no free connection",
        retryAfterSeconds: 1,
      });
      await others.pop()?.close();
      expect(await findUserByEmail(db, "a@example.test")).toBeNull();
    });
    for (const other of others) await other.close();
  });

  it("that is slow ends statements in time and lets callers wait within bounds only", async () => {
    const limits = { maxConnections: 3, connectTimeoutMs: 300, statementTimeoutMs: 300 };
    await using(limits, async ({ db }) => {
      const outcomes = new Map<string, number>();
      await withUsersLocked(async () => {
        const startedAt = performance.now();
        await Promise.all(
          Array.from({ length: 1_000 }, () =>
            findSession(db, { tokenHash: new Uint8Array(32), now: NOW }).catch((error: Error) => {
              outcomes.set(error.message, (outcomes.get(error.message) ?? 0) + 1);
            }),
          ),
        );
        // 0.3 s for a connection, 0.3 s for the statement, 1 s for an answer that never comes; unbounded, this takes 50 s.
        expect(performance.now() - startedAt).toBeLessThan(8_000);
        expect(await admin.query("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")).toEqual([
          [0],
        ]);
      });
      expect(outcomes.get("too many statements are waiting for the database")).toBe(488);
      expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(1_000);
      expect(await findSession(db, { tokenHash: new Uint8Array(32), now: NOW })).toBeNull();
    });
  });

  it("gives up a plan that a migration made out of date, and prepares the statement anew", async () => {
    await using({ maxConnections: 1 }, async ({ db }) => {
      const user = newUser();
      await insertUser(db, user);
      expect((await findUserByEmail(db, user.email))?.user.id).toBe(user.id);
      await admin.query("alter table users alter column email type varchar(300)");
      try {
        expect((await findUserByEmail(db, user.email))?.user.id).toBe(user.id);
        await insertUser(db, newUser());
      } finally {
        await admin.query("alter table users alter column email type varchar(255)");
      }
    });
  });
});
