import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { normalAddress } from "../../../../src/auth/email-address.ts";
import { type WrapOptions, wrapLegacyHashes } from "../../../../src/cli/hashes/wrap.ts";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../../src/db/migrator/migrate.ts";
import { CREATE_OLD_TABLE, insertOldAccounts, type OldAccount } from "../../../fixtures/old-table.ts";
import { type PostgresServer, startPostgres } from "../../../fixtures/postgres.ts";

let postgres: PostgresServer;
let connection: SqlConnection;
let accounts: OldAccount[];
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

beforeEach(async () => {
  databases += 1;
  const url = await postgres.createDatabase(`wrap_${databases}`);
  connection = await connectTcp({ url });
  await connection.query(CREATE_OLD_TABLE);
  accounts = await insertOldAccounts(connection, 5);
  await migrate({ connect: () => connectTcp({ url }) }, { normalAddress }).catch(() => undefined);
  return () => connection.close();
});

/** Wraps in no time: what matters here is which rows are touched. */
const options = (changes: Partial<WrapOptions> = {}): WrapOptions => ({
  connection,
  wrap: (legacy) => Promise.resolve(legacy.replace("$legacy-sha256$", "$argon2id-over-sha256$")),
  scheme: { algorithm: "sha256", order: "salt-first", digestEncoding: "hex", saltEncoding: "utf8" },
  batchSize: 2,
  ...changes,
});

const hashOf = async (id: string | undefined) =>
  (await connection.query("select password_hash, salt from users where id = $1", [id]))[0];

describe("wrapping", () => {
  it("leaves a row alone that somebody changes between reading and writing it", async () => {
    const report = await wrapLegacyHashes(
      options({
        async wrap(legacy) {
          await connection.query("update users set password_hash = '$argon2id$new' where id = $1", [accounts[1]?.id]);
          return options().wrap(legacy);
        },
      }),
    );
    expect(report).toMatchObject({ wrapped: 4, changedMeanwhile: 1, refused: 0 });
    expect(await hashOf(accounts[1]?.id)).toEqual(["$argon2id$new", null]);
  });

  it("marks no row that somebody changes meanwhile, and ends after the batch in which it is asked to", async () => {
    await connection.query("update users set salt = repeat('ö', 64)");
    const stop = new AbortController();
    const changing: SqlConnection = {
      ...connection,
      async query(text, params) {
        if (text.startsWith("update users")) {
          await connection.query("update users set password_hash = '$argon2id$new' where id = $1", [accounts[0]?.id]);
        }
        return connection.query(text, params);
      },
    };
    const report = await wrapLegacyHashes(
      options({ connection: changing, disableUnwrappable: true, signal: stop.signal, onBatch: () => stop.abort() }),
    );
    expect(report).toMatchObject({ wrapped: 0, disabled: 1, changedMeanwhile: 1 });
    expect(await hashOf(accounts[0]?.id)).toEqual(["$argon2id$new", null]);
  });

  it("refuses a string without a salt that it cannot read, instead of ending there", async () => {
    await connection.query("update users set password_hash = '$legacy-broken' where id = $1", [accounts[2]?.id]);
    const report = await wrapLegacyHashes(options());
    expect(report).toMatchObject({ wrapped: 4, refused: 1 });
    expect(report.refusals).toEqual([{ id: accounts[2]?.id, reason: expect.stringContaining("no string of ours") }]);
    expect(await wrapLegacyHashes(options({ disableUnwrappable: true }))).toMatchObject({ refused: 0, disabled: 1 });
  });

  it("names no more than 20 of those it refuses, and counts all", async () => {
    await insertMore(40);
    const report = await wrapLegacyHashes(options({ scheme: { ...options().scheme, digestEncoding: "base64" } }));
    expect(report).toMatchObject({ wrapped: 0, refused: 45 });
    expect(report.refusals).toHaveLength(20);
  });

  async function insertMore(count: number): Promise<void> {
    await connection.query(
      "insert into users (id, email, password_hash, salt) select gen_random_uuid(), 'more' || n, 'x', 'y' from generate_series(1, $1::int) as n",
      [count],
    );
  }
});
