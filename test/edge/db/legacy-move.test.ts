import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlConnection } from "../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../src/db/drivers/tcp.ts";
import { readCatalog } from "../../../src/db/migrator/catalog.ts";
import { type RunningEdge, startEdge } from "../../../src/runtimes/node/edge.ts";
import { runGatehouse, startGatehouse } from "../../fixtures/gatehouse.ts";
import { CREATE_OLD_TABLE, insertOldAccounts, type OldAccount, watchWrites } from "../../fixtures/old-table.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";

const ACCOUNTS = 3_000;
const BATCH = 100;
const WRAP = ["hashes", "wrap", "--algorithm", "sha256", "--order", "salt-password", "--batch-size", String(BATCH)];

/** Accounts that have not logged in yet, so that each login below meets a hash as the step before left it. */
let unused: OldAccount[];
let accounts: OldAccount[];
let postgres: PostgresServer;
let connection: SqlConnection;
let edge: RunningEdge;
let dataDir: string;
let env: Record<string, string>;

beforeAll(async () => {
  postgres = await startPostgres();
  dataDir = mkdtempSync(join(tmpdir(), "gatehouse-legacy-"));
  env = { DATABASE_URL: postgres.url, DATA_DIR: dataDir, PASSWORD_PROFILE: "development", PASSWORD_MIN_LENGTH: "8" };
  connection = await connectTcp({ url: postgres.url });
  await connection.query(CREATE_OLD_TABLE);
  accounts = await insertOldAccounts(connection, ACCOUNTS);
  unused = [...accounts];
  edge = await startEdge({ env: { ...env, THROTTLE: "off" }, host: "127.0.0.1", port: 0 });
});

afterAll(async () => {
  await edge.close();
  await connection.close();
  await postgres.stop();
  rmSync(dataDir, { recursive: true });
});

function tryToLogIn({ email, password }: { email: string; password: string }): Promise<Response> {
  return fetch(`${edge.url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password, transport: "bearer" }),
  });
}

async function logIn(account: { email: string; password: string }): Promise<number> {
  const response = await tryToLogIn(account);
  await response.arrayBuffer();
  return response.status;
}

/** Two accounts nobody used yet, one of them with capitals in its address, and a wrong password. */
async function expectLoginsToWork(): Promise<void> {
  const mixedCase = unused.splice(
    unused.findIndex(({ email }) => /[A-Z]/.test(email)),
    1,
  );
  const lowerCase = unused.splice(
    unused.findIndex(({ email }) => !/[A-Z]/.test(email)),
    1,
  );
  for (const account of [...mixedCase, ...lowerCase]) {
    expect(await logIn({ ...account, password: `${account.password}!` })).toBe(401);
    expect(await logIn(account)).toBe(200);
    // Once more, with the hash that the first login left.
    expect(await logIn({ ...account, email: account.email.toLowerCase() })).toBe(200);
  }
}

const count = async (condition: string): Promise<number> =>
  Number((await connection.query(`select count(*) from users where ${condition}`))[0]?.[0]);

describe("the move from the old table", { timeout: 240_000 }, () => {
  it("finds an edge that says, until then, which command is missing", async () => {
    for (const response of [
      await tryToLogIn({ email: "old.user.1@example.test", password: "the old password of 1" }),
      await fetch(`${edge.url}/readyz`),
    ]) {
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("30");
      expect(await response.json()).toMatchObject({
        code: "DATABASE_UNAVAILABLE",
        detail: expect.stringContaining("gatehouse db migrate"),
      });
    }
  });

  it("lists accounts whose addresses differ only in case, and changes nothing until they are gone", async () => {
    const clashing = [uuidv7(), uuidv7()];
    await connection.query(
      "insert into users (id, email, password_hash, salt) values ($1, 'twin@example.test', 'x', 'y'), ($2, 'Twin@example.test', 'x', 'y')",
      clashing,
    );
    const before = await readCatalog(connection);
    const { code, output } = await runGatehouse(["db", "migrate"], env);
    expect(code).toBe(1);
    expect(output).toContain("1 addresses belong to several accounts");
    for (const id of clashing) expect(output).toContain(id);
    expect(await readCatalog(connection)).toEqual(before);
    expect(await connection.query("select 1 from pg_namespace where nspname = 'drizzle'")).toEqual([]);
    await connection.query("delete from users where id = any ($1::uuid[])", [clashing]);
  });

  it("stops before the contracting step, with the count and the next command", async () => {
    const { code, output } = await runGatehouse(["db", "migrate"], env);
    expect(code).toBe(1);
    expect(output).toContain(`${ACCOUNTS} accounts still have a legacy password hash`);
    expect(output).toContain("gatehouse hashes check <address>");
    expect(output).toContain("gatehouse hashes wrap --algorithm <name> --order <order>");
    expect(output).not.toContain("sha256");
    expect((await runGatehouse(["db", "status"], env)).output).toMatch(/applied +0001_.*\npending +0002_/);
    await expectLoginsToWork();
  });

  it("sees with --dry-run whether all can be wrapped, and changes none", async () => {
    const { code, output } = await runGatehouse([...WRAP, "--dry-run"], env);
    expect(output).toContain(`${ACCOUNTS - 2} can be wrapped`);
    expect(output).toContain("gatehouse hashes check <address>");
    expect(code).toBe(0);
    const wrong = await runGatehouse([...WRAP.map((word) => word.replace("sha256", "sha512")), "--dry-run"], env);
    expect(wrong.code).toBe(1);
    expect(wrong.output).toContain(`${ACCOUNTS - 2} refused`);
    expect(wrong.output).toContain(`${ACCOUNTS - 2} have the length of sha256: wrap them with --algorithm sha256`);
    expect(wrong.output).not.toContain("--disable-unwrappable");
    expect(await count("password_hash like '$argon2id-over-%'")).toBe(0);
  });

  it("wraps every account once, although it is killed twice and people log in meanwhile", async () => {
    const writes = await watchWrites(connection, postgres.url);
    for (let kill = 0; kill < 2; kill += 1) {
      const written = writes.batches(1);
      const program = startGatehouse(WRAP, env);
      await Promise.race([written, once(program.child, "exit")]);
      expect(program.child.exitCode).toBeNull();
      // The batch was written, so the next is being read, hashed or written.
      await program.stop("SIGKILL");
    }
    await expectLoginsToWork();
    const finish = runGatehouse(WRAP, env);
    await expectLoginsToWork();
    const { code, output } = await finish;
    expect(output).toMatch(/\d+ wrapped/);
    expect(code).toBe(0);

    expect(await count("salt is not null or password_hash not like '$argon2id%'")).toBe(0);
    expect(await writes.wrappedTwice()).toEqual([]);
    await writes.stop();
    await expectLoginsToWork();
  });

  it("reports how many accounts have which kind of hash", async () => {
    const { output } = await runGatehouse(["hashes", "report", "--json"], env);
    const schemes = JSON.parse(output) as { scheme: string; accounts: number }[];
    expect(schemes.map(({ scheme }) => scheme)).toEqual([
      expect.stringMatching(/^\$argon2id-over-sha256\$v=19\$m=8192,t=1,p=1,o=salt-first,e=utf8,i=1$/),
      "$argon2id$v=19$m=8192,t=1,p=1",
    ]);
    expect(schemes.reduce((sum, scheme) => sum + scheme.accounts, 0)).toBe(ACCOUNTS);
  });

  it("then contracts the table, keeping every account and id", async () => {
    const { code, output } = await runGatehouse(["db", "migrate"], env);
    expect(output).toContain("applied 2 in");
    expect(code).toBe(0);
    const rows = await connection.query("select id, email from users order by id");
    expect(rows).toEqual(accounts.map(({ id, email }) => [id, email.toLowerCase()]));
    await expectLoginsToWork();
  });

  it("ends with the tables that a new database has", async () => {
    const empty = await postgres.createDatabase("empty");
    expect((await runGatehouse(["db", "migrate"], { ...env, DATABASE_URL: empty })).code).toBe(0);
    const fresh = await connectTcp({ url: empty });
    expect(await readCatalog(connection)).toEqual(await readCatalog(fresh));
    await fresh.close();
  });
});
