import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { normalAddress } from "../../../../src/auth/email-address.ts";
import { connectNeon } from "../../../../src/db/drivers/neon.ts";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../../src/db/drivers/tcp.ts";
import { readCatalog } from "../../../../src/db/migrator/catalog.ts";
import { type MigrationTarget, migrate, migrateAtStart, migrationStatus } from "../../../../src/db/migrator/migrate.ts";
import type { MigrationError } from "../../../../src/db/migrator/migration-error.ts";
import { openEmbedded } from "../../../../src/runtimes/node/embedded-database.ts";
import { nodeWebSocket } from "../../../fixtures/databases.ts";
import { type NeonLocal, startNeonLocal } from "../../../fixtures/neon-local.ts";
import { CREATE_OLD_TABLE, insertOldAccounts } from "../../../fixtures/old-table.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import { type PostgresServer, startPostgres } from "../../../fixtures/postgres.ts";

const OURS = fileURLToPath(new URL("../../../../drizzle", import.meta.url));
const TAGS = [
  "0000_tolerate_the_old_table",
  "0001_expand_users_and_add_sessions",
  "0002_contract_users",
  "0003_settle_addresses",
];

let postgres: PostgresServer;
let neon: NeonLocal;
const folders: string[] = [];
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  neon = await startNeonLocal({ upstream: postgres.url });
});
afterAll(async () => {
  await neon.stop();
  await postgres.stop();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

async function emptyDatabase(): Promise<MigrationTarget & { readonly url: string }> {
  databases += 1;
  const url = await postgres.createDatabase(`migrations_${databases}`);
  return { url, connect: () => connectTcp({ url }) };
}

/** Our migrations and one more with these statements. */
function folderWith(sql: string): string {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-migrations-"));
  folders.push(folder);
  cpSync(OURS, folder, { recursive: true });
  const journalFile = join(folder, "meta", "_journal.json");
  const journal = JSON.parse(readFileSync(journalFile, "utf8"));
  journal.entries.push({ ...journal.entries[0], idx: 4, when: journal.entries[3].when + 1, tag: "0004_one_more" });
  writeFileSync(journalFile, JSON.stringify(journal));
  writeFileSync(join(folder, "0004_one_more.sql"), sql);
  return folder;
}

async function use<T>(target: MigrationTarget, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
  const connection = await target.connect();
  return work(connection).finally(() => connection.close());
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error("did not fail")),
    (error: unknown) => error as MigrationError,
  );

describe("migrate", { timeout: 60_000 }, () => {
  it("makes the same tables over TCP, over Neon's WebSocket and on PGlite", async () => {
    const tcp = await emptyDatabase();
    const { url } = await emptyDatabase();
    const webSocket = { connect: () => connectNeon({ url, local: neon, webSocketConstructor: nodeWebSocket }) };
    const dataDir = await freshDataDir();
    folders.push(dataDir);
    const pglite = await openEmbedded({ dataDir });
    const catalogs = [];
    for (const target of [tcp, webSocket, pglite]) {
      expect(await migrate(target)).toEqual({ applied: TAGS });
      expect(await migrate(target)).toEqual({ applied: [] });
      catalogs.push(await use(target, readCatalog));
    }
    await pglite.close();
    expect(catalogs[0]?.length).toBeGreaterThan(15);
    expect(catalogs[1]).toEqual(catalogs[0]);
    expect(catalogs[2]).toEqual(catalogs[0]);
  });

  it("lets three at once on an empty database all succeed, one of them doing the work", async () => {
    const target = await emptyDatabase();
    const reports = await Promise.all([migrate(target), migrate(target), migrate(target)]);
    expect(reports.map(({ applied }) => applied.length).toSorted()).toEqual([0, 0, TAGS.length]);
    expect(
      await use(target, (connection) => connection.query("select count(*) from drizzle.__drizzle_migrations")),
    ).toEqual([[TAGS.length]]);
  });

  it("undoes a file that fails and keeps those before it", async () => {
    const folder = folderWith("create table half (id int); --> statement-breakpoint\nselect * from nowhere;");
    const target = await emptyDatabase();
    const error = await failure(migrate(target, { folder }));
    expect(error).toMatchObject({ code: "MIGRATION_FAILED", applied: TAGS });
    expect(error.message).toBe('0004_one_more: relation "nowhere" does not exist');
    expect((await use(target, readCatalog)).filter((line) => line.includes("half"))).toEqual([]);

    writeFileSync(join(folder, "0004_one_more.sql"), "create table half (id int);");
    expect(await migrate(target, { folder })).toEqual({ applied: ["0004_one_more"] });
  });

  it("refuses to go on when an applied file has changed", async () => {
    const folder = folderWith("select 1;");
    const target = await emptyDatabase();
    await migrate(target, { folder });
    writeFileSync(join(folder, "0004_one_more.sql"), "select 2;");
    expect(await failure(migrate(target, { folder }))).toMatchObject({
      code: "MIGRATION_CHANGED",
      message: "applied migrations must never change, but did: 0004_one_more",
    });
    expect((await migrationStatus(target, { folder })).migrations.at(-1)).toEqual({
      tag: "0004_one_more",
      state: "changed",
    });
  });

  it("refuses a database that a newer version has migrated", async () => {
    const target = await emptyDatabase();
    await migrate(target, { folder: folderWith("select 1;") });
    expect(await failure(migrate(target))).toMatchObject({ code: "JOURNAL_AHEAD" });
    expect(await migrationStatus(target)).toMatchObject({ unknown: 1 });
  });

  it("takes no other table called users for the old one", async () => {
    const target = await emptyDatabase();
    await use(target, (connection) => connection.query("create table users (id int)"));
    expect(await failure(migrate(target))).toMatchObject({ code: "TABLE_UNKNOWN", applied: [] });
    expect(await use(target, readCatalog)).toEqual(["column users.id integer"]);
  });

  it("lets a program start on an expanded table whose legacy hashes are still to be wrapped", async () => {
    const target = await emptyDatabase();
    await use(target, async (connection) => {
      await connection.query(CREATE_OLD_TABLE);
      await insertOldAccounts(connection, 3);
    });
    expect(await failure(migrate(target, { normalAddress }))).toMatchObject({
      code: "LEGACY_HASHES_LEFT",
      applied: TAGS.slice(0, 2),
    });
    expect(await migrateAtStart(target, { normalAddress })).toEqual({ applied: [] });
  });

  it("leaves no lock behind when its connection dies in the middle", async () => {
    const target = await emptyDatabase();
    const folder = folderWith("select pg_terminate_backend(pg_backend_pid());");
    expect(await failure(migrate(target, { folder }))).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    expect(await migrate(target)).toEqual({ applied: [] });
    const locks = "select count(*) from pg_locks where locktype = 'advisory'";
    expect(await use(target, (connection) => connection.query(locks))).toEqual([[0]]);
  });
});
