import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { migrate } from "../../../../src/db/migrator/migrate.ts";
import { describeTable, inspectOldTable } from "../../../../src/db/migrator/old-table.ts";
import { openEmbedded } from "../../../../src/runtimes/node/embedded-database.ts";
import { CREATE_OLD_TABLE } from "../../../fixtures/old-table.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";

describe("a table users that no migration has touched", { timeout: 60_000 }, () => {
  let dataDir: string;
  let pglite: Awaited<ReturnType<typeof openEmbedded>>;
  let connection: SqlConnection;

  beforeAll(async () => {
    dataDir = await freshDataDir();
    pglite = await openEmbedded({ dataDir });
    connection = await pglite.connect();
  });
  afterAll(async () => {
    await connection.close();
    await pglite.close();
    rmSync(dataDir, { recursive: true });
  });

  const make = async (sql: string) => {
    await connection.query("drop table if exists users");
    await connection.query(sql);
  };
  const differences = async () => (await inspectOldTable(connection))?.differences ?? [];

  it("is the old one, also where the later steps do not mind how it differs", async () => {
    await make(CREATE_OLD_TABLE);
    expect(await differences()).toEqual([]);
    await make(
      `create table users (id uuid primary key default gen_random_uuid(), email varchar not null, password_hash varchar(64) not null,
       salt varchar(32), created_at timestamptz not null, name text, number serial)`,
    );
    expect(await differences()).toEqual([]);
  });

  it("is refused with each difference and what mends it, and migrates once that is done", async () => {
    await make(
      `create table users (id uuid not null, email text unique, password_hash bytea not null, salt char(32) not null,
       created_at timestamp not null default now(), "Name" text not null)`,
    );
    const error = await migrate(pglite).catch((caught: Error & { code: string }) => caught);
    expect(error).toMatchObject({ code: "TABLE_UNKNOWN", applied: [] });
    const lines = String((error as Error).message).split("\n");
    expect(lines).toEqual([
      'there is a table "users" that is not quite the old one:',
      "  id is not the primary key, must be",
      "  email is text, must be varchar(255)",
      "  email may be null, must be not null",
      "  password_hash is bytea, must be varchar(128)",
      "  salt is char(32), must be varchar(64)",
      "  created_at is timestamp without time zone, must be timestamptz",
      expect.stringMatching(/^ {2}Name is not null without a default, /),
      expect.stringMatching(/^This mends it; /),
      expect.stringMatching(/^ {2}alter table users .* alter column email type varchar\(255\), .*;$/),
    ]);
    await connection.query(lines.at(-1) ?? "");
    expect(await differences()).toEqual([]);
    expect((await migrate(pglite)).applied).toHaveLength(4);
    await connection.query("drop table sessions, drizzle.__drizzle_migrations");
  });

  it("names what takes more than a clause, and another way", async () => {
    await make(
      "create table users (id serial primary key, email varchar(100) not null, password varchar(60), disabled_at date)",
    );
    const report = await inspectOldTable(connection);
    expect(report && describeTable(report)).toEqual([
      'there is a table "users" that is not quite the old one:',
      "  id is integer, must be uuid",
      "  email is varchar(100), must be varchar(255)",
      "  password_hash is missing, must be varchar(128)",
      "  salt is missing, must be varchar(64)",
      "  created_at is missing, must be timestamptz",
      "  disabled_at is a name that we need, must be called otherwise",
      expect.stringMatching(/^This mends a part of it; /),
      "  alter table users alter column email type varchar(255), add column created_at timestamptz not null default now();",
      expect.stringContaining("gatehouse users import FILE"),
    ]);
  });
});
