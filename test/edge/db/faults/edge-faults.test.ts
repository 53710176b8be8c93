import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../../src/db/migrator/migrate.ts";
import { openEmbedded } from "../../../../src/runtimes/node/embedded-database.ts";
import { startGatehouse } from "../../../fixtures/gatehouse.ts";
import { type Answer, send } from "../../../fixtures/http-client.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import { type PostgresServer, startPostgres } from "../../../fixtures/postgres.ts";

const PASSWORD = "a password long enough";
const FAST = { PASSWORD_PROFILE: "development", THROTTLE: "off" };

let postgres: PostgresServer;
let dataDir: string;

beforeAll(async () => {
  postgres = await startPostgres();
  await migrate({ connect: () => connectTcp({ url: postgres.url }) });
  dataDir = mkdtempSync(join(tmpdir(), "gatehouse-faults-"));
});
afterAll(async () => {
  await postgres.stop();
  rmSync(dataDir, { recursive: true });
});

async function startEdge(env: Record<string, string>) {
  const edge = startGatehouse(["edge", "--port", "0"], env);
  const [, url = ""] = await edge.printed(/"url":"(http:[^"]+)"/);
  return { edge, url };
}

const register = (edge: string, email: string) =>
  send(`${edge}/v1/auth/register`, { json: { email, password: PASSWORD } });
const logIn = (edge: string, email: string) =>
  send(`${edge}/v1/auth/login`, { json: { email, password: PASSWORD, transport: "bearer" } });
const check = (edge: string, token: string) => send(`${edge}/v1/auth/session`, { method: "GET", token });

describe("the edge while its Postgres is away", { timeout: 60_000 }, () => {
  it("answers 503 with Retry-After under load, comes back by itself and has lost no session", async () => {
    const env = { ...FAST, DATABASE_URL: postgres.url, DATA_DIR: dataDir };
    const { edge, url } = await startEdge(env);
    try {
      const emails = Array.from({ length: 8 }, (_, index) => `steady-${index}@example.test`);
      await Promise.all(emails.map((email) => register(url, email)));
      const tokens = await Promise.all(emails.map(async (email) => String((await logIn(url, email)).body.token)));

      let running = true;
      const answers: Answer[] = [];
      let seen: ((status: number) => void) | undefined;
      const load = tokens.map(async (token) => {
        while (running) {
          const answer = await check(url, token);
          answers.push(answer);
          seen?.(answer.status);
        }
      });
      const untilAnswered = (status: number) =>
        new Promise<void>((resolve) => {
          seen = (got) => {
            if (got === status) resolve();
          };
        });

      await untilAnswered(200);
      await postgres.pause();
      await untilAnswered(503);
      expect((await send(`${url}/readyz`, { method: "GET" })).status).toBe(503);
      expect((await send(`${url}/livez`, { method: "GET" })).status).toBe(200);
      await postgres.resume();
      await untilAnswered(200);
      running = false;
      await Promise.all(load);

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
      for (const { status, retryAfter, body } of answers) {
        if (status === 503)
          expect({ retryAfter, code: body.code }).toEqual({ retryAfter: "1", code: "DATABASE_UNAVAILABLE" });
      }
      for (const token of tokens) expect((await check(url, token)).status).toBe(200);
      expect((await send(`${url}/readyz`, { method: "GET" })).status).toBe(200);
    } finally {
      await edge.stop();
    }
  });
});

const ATTEMPTS = 1_000;
const CALLERS = 16;
const KILL_AFTER = 150;

/** Registers one account after the other from several callers and kills the edge in the middle; gives the ones answered 201. */
async function registerUntilKilled(env: Record<string, string>): Promise<string[]> {
  const { edge, url } = await startEdge(env);
  const created: string[] = [];
  let next = 0;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (next < ATTEMPTS) {
      next += 1;
      const email = `account-${next}@example.test`;
      const answer = await register(url, email).catch(() => undefined);
      if (answer === undefined) return;
      if (answer.status === 201) created.push(email);
      if (created.length === KILL_AFTER) edge.child.kill("SIGKILL");
    }
  });
  await Promise.all(callers);
  await edge.stop("SIGKILL");
  expect(created.length).toBeGreaterThanOrEqual(KILL_AFTER);
  expect(created.length).toBeLessThan(ATTEMPTS);
  return created;
}

async function expectAllToBeThere(connection: SqlConnection, created: readonly string[]): Promise<void> {
  const [row] = await connection.query(
    "select count(distinct users.id) from users join sessions on user_id = users.id where email = any ($1::text[])",
    [created],
  );
  expect(row).toEqual([created.length]);
}

describe("kill -9 of the edge during registrations", { timeout: 120_000 }, () => {
  it("loses no account on Postgres that was answered 201", async () => {
    const url = await postgres.createDatabase("killed");
    await migrate({ connect: () => connectTcp({ url }) });
    const created = await registerUntilKilled({ ...FAST, DATABASE_URL: url, DATA_DIR: dataDir });
    const connection = await connectTcp({ url });
    await expectAllToBeThere(connection, created);
    await connection.close();
  });

  it("loses no account on the embedded database, which the next process opens at once", async () => {
    const folder = await freshDataDir();
    const created = await registerUntilKilled({ ...FAST, DATABASE_URL: "", DATA_DIR: folder });
    const pglite = await openEmbedded({ dataDir: folder });
    const connection = await pglite.connect();
    await expectAllToBeThere(connection, created);
    await connection.close();
    await pglite.close();
    rmSync(folder, { recursive: true });
  });
});
