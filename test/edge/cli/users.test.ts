import { rmSync } from "node:fs";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storedForm } from "../../../src/cli/users/stored-form.ts";
import type { SqlConnection } from "../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../src/db/migrator/migrate.ts";
import { runGatehouse, startGatehouse } from "../../fixtures/gatehouse.ts";
import { send } from "../../fixtures/http-client.ts";
import { freshDataDir } from "../../fixtures/pglite-folder.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";
import type { Program } from "../../fixtures/program.ts";

const HASH = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ";
const CREATED = "2026-11-24T12:34:56.789Z";

describe("gatehouse users on Postgres", { timeout: 60_000 }, () => {
  let postgres: PostgresServer;
  let connection: SqlConnection;
  const gatehouse = (...args: string[]) => runGatehouse(["users", ...args], { DATABASE_URL: postgres.url });

  /** In order of id, as they are made. */
  const emails = ["ann@example.test", "bob@example.test", "evil\u001b[2J\u009b\u202e@example.test", "dan@example.test"];
  const ids = emails.map(() => uuidv7());

  beforeAll(async () => {
    postgres = await startPostgres();
    connection = await connectTcp({ url: postgres.url });
    await migrate({ connect: () => connectTcp({ url: postgres.url }) });
    for (const [index, email] of emails.entries())
      await connection.query("insert into users (id, email, password_hash, created_at) values ($1, $2, $3, $4)", [
        ids[index],
        email,
        HASH,
        CREATED,
      ]);
    await connection.query(
      `insert into sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at)
       select gen_random_uuid(), $1, sha256(n::text::bytea), now(), $2, now() + (n - 1) * interval '1 day' from generate_series(1, 3) as n`,
      [ids[0], CREATED],
    );
  });
  afterAll(async () => {
    await connection.close();
    await postgres.stop();
  });

  it("lists accounts, one a line, and obeys no address that wants something of the terminal", async () => {
    const { code, output } = await gatehouse("list");
    const line = (index: number, address: string) => `${ids[index]}  ${CREATED}  active    ${address}\n`;
    expect(output).toBe(
      line(0, "ann@example.test") +
        line(1, "bob@example.test") +
        line(2, '"evil\\u001b[2J\\u{9b}\\u{202e}@example.test"') +
        line(3, "dan@example.test"),
    );
    expect(code).toBe(0);
  });

  it("lists no more than it is asked for, and says how to go on", async () => {
    const first = await gatehouse("list", "--limit", "3");
    expect(first.output.split("\n")).toHaveLength(5);
    expect(first.output).toContain(`there are more: gatehouse users list --limit 3 --after ${ids[2]}\n`);
    const rest = await gatehouse("list", "--limit", "3", "--after", ids[2] ?? "");
    expect(rest.output).toBe(`${ids[3]}  ${CREATED}  active    dan@example.test\n`);
    expect((await gatehouse("list", "--after", ids[3] ?? "")).output).toBe("no more accounts\n");
  });

  it("lists as JSON, with where to go on", async () => {
    const { output } = await gatehouse("list", "--json", "--limit", "3", "--after", ids[0] ?? "");
    const account = (index: number) => ({
      id: ids[index],
      email: emails[index],
      emailVerifiedAt: null,
      disabledAt: null,
      createdAt: CREATED,
    });
    expect(JSON.parse(output)).toEqual({ users: [account(1), account(2), account(3)], next: null });
    expect(output).not.toMatch(/(?!\n)\p{C}/u);
    expect(JSON.parse((await gatehouse("list", "--json", "--limit", "1")).output.split("there are")[0] ?? "")).toEqual({
      users: [account(0)],
      next: ids[0],
    });
  });

  it("shows an account by address in any spelling or by id, and nothing of its hash", async () => {
    const { code, output } = await gatehouse("show", " Ann@Example.Test ");
    expect(output).toBe(
      [
        `id        ${ids[0]}`,
        "address   ann@example.test",
        `created   ${CREATED}`,
        "verified  no",
        "disabled  no",
        `sessions  2, last used ${CREATED} or within the hour after`,
        "password  Argon2id",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
    const byId = await gatehouse("show", ids[2]?.toUpperCase() ?? "", "--json");
    expect(JSON.parse(byId.output)).toEqual({
      id: ids[2],
      email: emails[2],
      emailVerifiedAt: null,
      disabledAt: null,
      createdAt: CREATED,
      sessions: 0,
      lastSeenAt: null,
      password: "Argon2id",
    });
    expect((await gatehouse("show", emails[2] ?? "")).output).toContain(ids[2]);
  });

  it.each([
    ["show", "nobody@example.test"],
    ["disable", uuidv7()],
    ["enable", "not an address"],
  ])("says in a sentence that %s knows no such account (%s)", async (command, who) => {
    expect(await gatehouse(command, who)).toEqual({
      code: 1,
      output: "gatehouse: there is no account with this address or id: gatehouse users list shows all\n",
    });
  });

  it("disables an account and ends its sessions, as often as it is told, and enables it again", async () => {
    const sessionsLeft = () => connection.query("select id from sessions where user_id = $1", [ids[0]]);
    expect(await gatehouse("disable", "ann@example.test")).toEqual({
      code: 0,
      output:
        "ann@example.test is disabled; sessions ended: 2\na token for the daemon that it was given ends within 330 s\n",
    });
    expect(await sessionsLeft()).toEqual([]);
    expect((await gatehouse("disable", ids[0] ?? "")).output).toBe(
      "ann@example.test was disabled already; sessions ended: 0\n",
    );
    expect((await gatehouse("list", "--limit", "1")).output).toContain("disabled  ann@example.test\n");
    expect((await gatehouse("show", "ann@example.test")).output).toMatch(/^disabled {2}2\d{3}-/m);
    expect(await gatehouse("enable", "ann@example.test")).toEqual({ code: 0, output: "ann@example.test is enabled\n" });
    expect((await gatehouse("enable", "ann@example.test")).output).toBe("ann@example.test was not disabled\n");
  });
});

describe("gatehouse users beside an edge that has the embedded database", { timeout: 60_000 }, () => {
  const account = { email: "ann@example.test", password: "correct horse battery staple" };
  let dataDir: string;
  let edge: Program;
  let url: string;
  const gatehouse = async (...args: string[]) => (await runGatehouse(["users", ...args], embedded())).output;
  const embedded = () => ({ DATABASE_URL: "", DATA_DIR: dataDir, PASSWORD_PROFILE: "development", THROTTLE: "off" });
  const logIn = () => send(`${url}/v1/auth/login`, { json: { ...account, transport: "bearer" } });
  const look = async (token: string) => (await send(`${url}/v1/auth/session`, { method: "GET", token })).status;

  beforeAll(async () => {
    dataDir = await freshDataDir();
    edge = startGatehouse(["edge", "--port", "0"], embedded());
    [, url = ""] = await edge.printed(/"url":"(http:[^"]+)"/);
    await send(`${url}/v1/auth/register`, { json: account });
  });
  afterAll(async () => {
    await edge.stop();
    rmSync(dataDir, { recursive: true });
  });

  it("put an end to sessions at once, and enabling brings none of them back", async () => {
    expect(await gatehouse("list")).toMatch(/^[0-9a-f-]{36} {2}\S+ {2}active {4}ann@example\.test\n$/);
    const old = String((await logIn()).body.token);
    expect(await look(old)).toBe(200);
    expect(await gatehouse("disable", account.email)).toContain("sessions ended: 2\n");
    expect(await look(old)).toBe(401);
    const refused = await logIn();
    expect([refused.status, refused.body.code]).toEqual([401, "INVALID_CREDENTIALS"]);
    expect(await gatehouse("enable", account.email)).toContain("is enabled\n");
    expect(await look(old)).toBe(401);
    expect(await look(String((await logIn()).body.token))).toBe(200);
  });
});

describe("what users show says of a password", () => {
  const SALTED = { passwordHash: "ab".repeat(32), salt: "5a17" };
  it.each([
    ["the engine's own", { passwordHash: HASH, salt: null }, "Argon2id"],
    ["a row of the old table", SALTED, "an old, fast hash (gatehouse hashes wrap)"],
    ["something else", { passwordHash: "$2b$12$else", salt: null }, expect.stringMatching(/^unreadable: /)],
    [
      "one set aside",
      { passwordHash: "$argon2id-unusable$4$5a17abab", salt: null },
      expect.stringContaining("--disable-unwrappable"),
    ],
  ])("names the kind of %s", (_what, stored, said) => {
    expect(storedForm(stored)).toEqual(said);
  });
});
