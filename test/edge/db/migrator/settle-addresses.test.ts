import { rmSync } from "node:fs";
import { v7 as uuidv7 } from "uuid";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { normalAddress } from "../../../../src/auth/email-address.ts";
import type { OpenDatabase } from "../../../../src/db/database.ts";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { connectTcp, openTcp } from "../../../../src/db/drivers/tcp.ts";
import type { AddressReport } from "../../../../src/db/migrator/address-report.ts";
import { readCatalog } from "../../../../src/db/migrator/catalog.ts";
import { type MigrationTarget, migrate } from "../../../../src/db/migrator/migrate.ts";
import type { MigrationError } from "../../../../src/db/migrator/migration-error.ts";
import { findUserByEmail, insertUser } from "../../../../src/db/users.ts";
import { startEdge } from "../../../../src/runtimes/node/edge.ts";
import { openEmbedded } from "../../../../src/runtimes/node/embedded-database.ts";
import { CREATE_OLD_TABLE } from "../../../fixtures/old-table.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import { type PostgresServer, startPostgres } from "../../../fixtures/postgres.ts";

type Target = MigrationTarget & OpenDatabase;

/** Lower case in Postgres depends on these: from ASCII alone, over letter by letter, to all of Unicode, and Turkish. */
const LOCALES = {
  C: "locale 'C'",
  "C.UTF-8": "locale_provider libc locale 'C.UTF-8'",
  "all of Unicode": "locale_provider builtin builtin_locale 'PG_UNICODE_FAST'",
  Turkish: "locale_provider icu icu_locale 'tr'",
} as const;

/** As the old application stored them. At least one locale makes another lower case of each than we do, but for the last. */
const ODD = [
  "JÜRGEN@Example.Test",
  "zoe\u0308@example.test",
  "ΟΔΥΣΣΕΥΣ@Example.Test",
  "İpek@example.test",
  "\u00a0spaced@example.test ",
  "INFO@example.test",
  "plain@example.test",
];
const REFUSED = ["NotAnAddress", `${"a".repeat(60)}@${"b".repeat(189)}.Test`];

const FORGET_THE_LAST =
  "delete from drizzle.__drizzle_migrations where created_at = (select max(created_at) from drizzle.__drizzle_migrations)";

let postgres: PostgresServer;
let databases = 0;
let target: Target;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function databaseIn(locale: keyof typeof LOCALES): Promise<Target> {
  databases += 1;
  const name = `addresses_${databases}`;
  await ask({ connect: () => connectTcp({ url: postgres.url }) }, [
    `create database ${name} template template0 encoding 'UTF8' ${LOCALES[locale]}`,
  ]);
  const url = postgres.url.replace(/[^/]*$/, name);
  const opened = openTcp({ url });
  ends.push(opened.close);
  return { ...opened, connect: () => connectTcp({ url }) };
}

async function embeddedDatabase(): Promise<Target> {
  const dataDir = await freshDataDir();
  const pglite = await openEmbedded({ dataDir });
  ends.push(async () => {
    await pglite.close();
    rmSync(dataDir, { recursive: true });
  });
  return pglite;
}

async function ask(where: MigrationTarget, [text, params]: [string, unknown[]?]) {
  const connection = await where.connect();
  return connection.query(text, params ?? []).finally(() => connection.close());
}

async function fill(emails: readonly string[]): Promise<Map<string, string>> {
  await ask(target, [CREATE_OLD_TABLE]);
  return add(emails);
}

async function add(emails: readonly string[]): Promise<Map<string, string>> {
  const ids = emails.map(() => uuidv7());
  await ask(target, [
    "insert into users (id, email, password_hash, salt) select id, email, 'x', 'y' from unnest($1::uuid[], $2::text[]) as new (id, email)",
    [ids, emails],
  ]);
  return new Map(emails.map((email, index) => [email, ids[index] ?? ""]));
}

const emailOf = async (id: string | undefined) =>
  (await ask(target, ["select email from users where id = $1", [id]]))[0]?.[0];

/** Migrates with our rules, and gives what stopped it, if anything, and what was found. */
async function move(through: MigrationTarget = target) {
  const reports: AddressReport[] = [];
  const outcome = await migrate(through, { normalAddress, onAddresses: (report) => reports.push(report) }).catch(
    (error: unknown) => error as MigrationError,
  );
  return { outcome, reports, report: reports[0] };
}

async function wrapAll(): Promise<void> {
  await ask(target, ["update users set password_hash = '$argon2id$v=19$' || id"]);
}

async function expectFound(ids: ReadonlyMap<string, string>): Promise<void> {
  for (const [email, id] of ids) {
    const typed = normalAddress(email) ?? "";
    expect({ email, id: (await findUserByEmail(target.db, typed))?.user.id }).toEqual({ email, id });
    const second = { id: uuidv7(), email: typed, passwordHash: "x", createdAt: new Date() };
    await expect(insertUser(target.db, second)).rejects.toMatchObject({ code: "UNIQUE_VIOLATION" });
  }
}

describe.each([...(Object.keys(LOCALES) as (keyof typeof LOCALES)[]), "PGlite"] as const)(
  "addresses of the old table in %s",
  { timeout: 60_000 },
  (where) => {
    beforeEach(async () => {
      target = where === "PGlite" ? await embeddedDatabase() : await databaseIn(where);
    });

    it("are found and taken under our one spelling after each step, and end in it", async () => {
      const ids = await fill(ODD);
      const refused = await add(REFUSED);
      const { outcome, report } = await move();
      expect(outcome).toMatchObject({ code: "LEGACY_HASHES_LEFT" });
      expect(report).toMatchObject({ checked: ODD.length + REFUSED.length, clashing: { addresses: 0 } });
      expect(report?.refused.listed.map(({ email }) => email).toSorted()).toEqual(REFUSED.toSorted());
      expect(report?.rewritten.accounts).toBeGreaterThan(1);
      for (const [email, id] of refused) expect(await emailOf(id)).toBe(email);
      await expectFound(ids);

      await wrapAll();
      expect((await move()).outcome).toMatchObject({ applied: ["0002_contract_users", "0003_settle_addresses"] });
      for (const [email, id] of ids) expect(await emailOf(id)).toBe(normalAddress(email));
      expect((await ask(target, ["select count(*) from users"]))[0]).toEqual([ODD.length + REFUSED.length]);
      await expectFound(ids);
    });

    it("that we take for one are all reported, and nothing is changed", async () => {
      await fill([
        "ZOË@example.test",
        "zoe\u0308@example.test",
        "Ann@example.test",
        "ann@example.test",
        "Info@example.test",
      ]);
      await add(REFUSED);
      const connection = await target.connect();
      const state = async () => [
        await readCatalog(connection),
        await connection.query("select * from users order by id"),
      ];
      const before = await state();
      await connection.close();
      const { outcome, reports } = await move();
      expect(outcome).toMatchObject({ code: "ADDRESSES_CLASH" });
      expect((outcome as MigrationError).message).toContain("2 addresses belong to several accounts");
      expect(reports).toHaveLength(1);
      expect(reports[0]?.clashing).toMatchObject({ addresses: 2, accounts: 4 });
      expect(reports[0]?.clashing.listed.map(({ email }) => email).toSorted()).toEqual(
        ["ZOË@example.test", "zoe\u0308@example.test", "Ann@example.test", "ann@example.test"].toSorted(),
      );
      const again = await target.connect();
      expect([await readCatalog(again), await again.query("select * from users order by id")]).toEqual(before);
      expect(await again.query("select 1 from pg_namespace where nspname = 'drizzle'")).toEqual([]);
      await again.close();
    });
  },
);

describe("settling addresses", { timeout: 60_000 }, () => {
  beforeEach(async () => {
    target = await databaseIn("C");
  });

  it("also finds, at the next run, what the old application wrote beside us", async () => {
    await fill(["ann@example.test"]);
    await move();
    const ids = await add(["JÜRGEN@example.test"]);
    const { outcome, report } = await move();
    expect(outcome).toMatchObject({ code: "LEGACY_HASHES_LEFT" });
    expect(report?.rewritten).toMatchObject({
      accounts: 1,
      listed: [{ from: "JÜRGEN@example.test", to: "jürgen@example.test" }],
    });
    await expectFound(ids);
  });

  it("leaves alone what is as it should be, capitals of ASCII included, until the contracting step", async () => {
    const ids = await fill(["Ann@Example.test"]);
    expect((await move()).report?.rewritten).toEqual({ accounts: 0, listed: [] });
    expect(await emailOf(ids.get("Ann@Example.test"))).toBe("Ann@Example.test");
  });

  it("mends what an earlier version contracted without it", async () => {
    const ids = await fill(["zoe\u0308@example.test"]);
    await wrapAllInTheOldTable();
    await move();
    await ask(target, ["update users set email = $1", ["zoe\u0308@example.test"]]);
    await ask(target, [FORGET_THE_LAST]);
    expect((await move()).outcome).toEqual({ applied: ["0003_settle_addresses"] });
    await expectFound(ids);
  });

  it("is done where an edge opens its own database", async () => {
    const dataDir = await freshDataDir();
    const pglite = await openEmbedded({ dataDir });
    await migrate(pglite);
    await insertUser(pglite.db, {
      id: uuidv7(),
      email: "zoe\u0308@example.test",
      passwordHash: "x",
      createdAt: new Date(),
    });
    await ask(pglite, [FORGET_THE_LAST]);
    await pglite.close();
    const edge = await startEdge({ env: { DATA_DIR: dataDir }, host: "127.0.0.1", port: 0 });
    const response = await fetch(`${edge.url}/v1/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "zoë@example.test", password: "correct horse battery staple" }),
    });
    expect(await response.json()).toMatchObject({ code: "EMAIL_TAKEN" });
    await edge.close();
    rmSync(dataDir, { recursive: true });
  });

  it("does nothing by halves when its connection dies, and goes on where it was", async () => {
    const ids = await fill(ODD);
    const dying = through(async (connection, text, run) => {
      const rows = await run();
      if (isRewrite(text)) await connection.query("select pg_terminate_backend(pg_backend_pid())");
      return rows;
    });
    expect((await move(dying)).outcome).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    for (const [email, id] of ids) expect(await emailOf(id)).toBe(email);
    await move();
    await expectFound(ids);
  });

  it("touches no address that somebody changed meanwhile", async () => {
    const ids = await fill(["JÜRGEN@example.test", "zoe\u0308@example.test"]);
    const racing = through(async (_, text, run) => {
      const changed = ["update users set email = 'other@example.test' where email like 'zoe%'"] as [string];
      if (isRewrite(text)) await ask(target, changed);
      return run();
    });
    expect((await move(racing)).report?.rewritten.accounts).toBe(1);
    expect(await emailOf(ids.get("zoe\u0308@example.test"))).toBe("other@example.test");
  });

  it("misses no address that changes while the contracting step waits for the table", async () => {
    target = await databaseIn("C.UTF-8");
    const ids = await fill(["ann@example.test"]);
    await move();
    await wrapAll();
    const racing = through(async (_, text, run) => {
      if (text.includes("LOCK TABLE")) await ask(target, ["update users set email = $1", ["ΟΔΥΣΣΕΥΣ@Example.test"]]);
      return run();
    });
    expect((await move(racing)).outcome).toMatchObject({ applied: ["0002_contract_users", "0003_settle_addresses"] });
    expect(await emailOf(ids.get("ann@example.test"))).toBe("οδυσσευς@example.test");
  });

  it("reads a table of more than a batch to its end, and lists no more than a person reads", async () => {
    await fill([]);
    await ask(target, [
      `insert into users (id, email, password_hash, salt)
       select gen_random_uuid(), 'Ünal' || n || '@example.test', 'x', 'y' from generate_series(1, 4500) as n`,
    ]);
    const { report } = await move();
    expect(report).toMatchObject({ checked: 4500, rewritten: { accounts: 4500 } });
    expect(report?.rewritten.listed).toHaveLength(100);
  });

  it("refuses accounts when nobody said what an address is", async () => {
    await fill(["ann@example.test"]);
    await expect(migrate(target)).rejects.toThrow(TypeError);
  });

  const isRewrite = (text: string) => text.includes("update users set email");

  /** Lets a test step in at each statement. */
  function through(
    step: (
      connection: SqlConnection,
      text: string,
      run: () => ReturnType<SqlConnection["query"]>,
    ) => ReturnType<SqlConnection["query"]>,
  ): MigrationTarget {
    return {
      async connect() {
        const connection = await target.connect();
        return {
          query: (text, params) => step(connection, text, () => connection.query(text, params)),
          close: () => connection.close(),
        };
      },
    };
  }

  async function wrapAllInTheOldTable(): Promise<void> {
    await move();
    await wrapAll();
  }
});
