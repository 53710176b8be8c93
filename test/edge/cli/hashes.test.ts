import { createHash } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlConnection } from "../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../src/db/drivers/tcp.ts";
import type { Hasher } from "../../../src/password/hasher.ts";
import { createNodeHasher } from "../../../src/runtimes/node/hasher.ts";
import { runGatehouse } from "../../fixtures/gatehouse.ts";
import { CREATE_OLD_TABLE } from "../../fixtures/old-table.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";

const password = "the old password";
const salt = "5a17";
const NEW_PASSWORD = "an entirely new password";

let postgres: PostgresServer;
let connection: SqlConnection;
let hasher: Hasher;
let env: Record<string, string>;

/** Rows that can be wrapped, all with digests of the password before the salt. */
const ids = Array.from({ length: 5 }, () => uuidv7());
/** Rows that cannot, and why not. */
const BEYOND = [
  ["ab".repeat(20), "beyond", "SHA-1"],
  ["zz".repeat(32), "beyond", "no hex"],
  ["ab".repeat(32), "é".repeat(64), "a salt that is too long"],
  ["", "", "nothing"],
] as const;
const beyondIds = BEYOND.map(() => uuidv7());
const sha512Id = uuidv7();

const gatehouse = (line: string, typed?: string) => runGatehouse(line.split(" "), env, typed);
const WRAP = "hashes wrap --algorithm sha256 --order password-salt";

beforeAll(async () => {
  postgres = await startPostgres();
  connection = await connectTcp({ url: postgres.url });
  hasher = createNodeHasher({ profile: "development", threads: 1 });
  env = { DATABASE_URL: postgres.url, PASSWORD_PROFILE: "development" };
  await connection.query(CREATE_OLD_TABLE);
  const insert = (id: string, digest: string, itsSalt: string, email = `${id}@example.test`) =>
    connection.query("insert into users (id, email, password_hash, salt) values ($1, $2, $3, $4)", [
      id,
      email,
      digest,
      itsSalt,
    ]);
  for (const id of ids) await insert(id, createHash("sha256").update(password).update(salt).digest("hex"), salt);
  for (const [index, [digest, itsSalt]] of BEYOND.entries()) await insert(beyondIds[index] ?? "", digest, itsSalt);
  await insert(sha512Id, createHash("sha512").update(password).update(salt).digest("hex"), salt, "notanaddress");
});
afterAll(async () => {
  await hasher.close();
  await connection.close();
  await postgres.stop();
});

const stored = async (id: string | undefined) =>
  String((await connection.query("select password_hash from users where id = $1", [id]))[0]?.[0]);

describe("the hashes of an old table", { timeout: 60_000 }, () => {
  it("tell from one known password, before anything is migrated, how they were made", async () => {
    const { code, output } = await gatehouse(`hashes check ${ids[0]}@Example.test`, `${password}\n`);
    expect(output).toContain("gatehouse hashes wrap --algorithm sha256 --order password-salt\n");
    expect(output).toContain("LEGACY_HASH_ORDER=password-salt");
    expect(code).toBe(0);
    const wrong = await gatehouse(`hashes check ${ids[0]}`, "another password\n");
    expect(wrong.output).toContain("do not wrap");
    expect(wrong.code).toBe(1);
    expect((await gatehouse("hashes check nobody@example.test", password)).output).toContain("there is no account");
  });

  it("come in a table that db status compares with the old one before it is migrated", async () => {
    await connection.query("alter table users alter column email type text");
    const { output } = await gatehouse("db status");
    expect(output).toContain("\n  email is text, must be varchar(255)\n");
    expect(output).toContain("\n  alter table users alter column email type varchar(255);\n");
    await connection.query("alter table users alter column email type varchar(255)");
  });

  it("come with addresses that log-in refuses, which are counted and kept", async () => {
    const { addresses } = JSON.parse((await gatehouse("db status --json")).output);
    expect(addresses.refused).toMatchObject({ accounts: 1, listed: [{ id: sha512Id, email: "notanaddress" }] });
    const { output } = await gatehouse("db migrate");
    expect(output).toContain("1 accounts have an address that log-in refuses");
    expect(output).toMatch(/"notanaddress"\napplying 0000/);
  });

  it("that cannot be wrapped are named with the reason and a way on", async () => {
    const { code, output } = await gatehouse(WRAP.replace("password-salt", "salt-password"));
    expect(code).toBe(1);
    expect(output).toContain("5 wrapped, 5 refused");
    for (const id of beyondIds) expect(output).toContain(`account ${id}: `);
    expect(output).toContain("1 have the length of sha512: wrap them with --algorithm sha512");
    expect(output).toContain("--disable-unwrappable");
  });

  it("and were wrapped with a wrong order are mended by a new label", async () => {
    expect((await hasher.verify(password, await stored(ids[0]))).ok).toBe(false);
    const check = await gatehouse(`hashes check ${ids[0]}`, password);
    expect(check.output).toContain("gatehouse hashes relabel --from salt-password --to password-salt\n");
    const relabel = "hashes relabel --from salt-password --to password-salt";
    const before = await stored(ids[0]);
    expect((await gatehouse(`${relabel} --dry-run`)).output).toBe("5 would be relabelled\n");
    expect(await stored(ids[0])).toBe(before);
    expect((await gatehouse(relabel)).output).toBe("5 relabelled\n");
    expect((await gatehouse(relabel)).output).toBe("0 relabelled\n");
    for (const id of ids)
      expect(await hasher.verify(password, await stored(id))).toEqual({ ok: true, needsRehash: true });
  });

  it("that nothing can wrap are marked when that is asked for, and lose nothing by it", async () => {
    const before = await connection.query(
      "select id, password_hash, salt from users where salt is not null order by id",
    );
    const dry = await gatehouse(`${WRAP} --disable-unwrappable --dry-run`);
    expect(dry.output).toContain("4 would be marked as beyond wrapping, 1 refused");
    expect(
      await connection.query("select id, password_hash, salt from users where salt is not null order by id"),
    ).toEqual(before);
    const { output } = await gatehouse(`${WRAP} --disable-unwrappable`);
    expect(output).toContain("4 marked as beyond wrapping, 1 refused");
    // The one of sha512 is for another run.
    expect((await gatehouse("db migrate")).output).toContain("1 accounts still have a legacy password hash");
    expect((await gatehouse(WRAP.replace("sha256", "sha512"))).output).toContain("1 wrapped");
    expect((await gatehouse(`${WRAP} --retry-disabled`)).output).toContain("0 wrapped, 4 refused");
  });

  it("then let the migration end", async () => {
    expect((await gatehouse("db migrate")).code).toBe(0);
    expect((await gatehouse(WRAP)).output).toBe("nothing to wrap: no account has a legacy hash\n");
  });

  it("that were marked by mistake are read again, also after the migration", async () => {
    await connection.query("update users set password_hash = $1 where id = $2", [
      `$argon2id-unusable$${salt.length}$${salt}${createHash("sha256").update(password).update(salt).digest("hex")}`,
      ids[1],
    ]);
    expect((await gatehouse(`${WRAP} --retry-disabled`)).output).toContain("1 wrapped, 4 refused");
    expect((await hasher.verify(password, await stored(ids[1]))).ok).toBe(true);
  });

  it("are counted by what the engine makes of them, the unreadable with their ids", async () => {
    await connection.query("update users set password_hash = '$argon2id$v=19$m=8192,t=1,p=1$broken' where id = $1", [
      ids[2],
    ]);
    await connection.query("update users set password_hash = '$2b$12$somethingelse' where id = $1", [ids[3]]);
    const schemes = JSON.parse((await gatehouse("hashes report --json")).output) as {
      scheme: string;
      accounts: number;
      ids?: string[];
    }[];
    expect(schemes.map(({ scheme, accounts }) => [accounts, scheme])).toEqual([
      [4, expect.stringContaining("--disable-unwrappable")],
      [3, expect.stringContaining("$argon2id-over-sha256")],
      [2, expect.stringContaining("unreadable")],
      [1, expect.stringContaining("$argon2id-over-sha512")],
    ]);
    expect(schemes[2]?.ids?.toSorted()).toEqual([ids[2], ids[3]].toSorted());
    const { output } = await gatehouse("hashes report");
    expect(output).toContain(`account ${ids[2]}`);
  });

  it("are replaced by a new password, which ends the account's sessions", async () => {
    await connection.query(
      `insert into sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at)
       select gen_random_uuid(), id, sha256(id::text::bytea), now(), now(), now() + interval '1 day' from users`,
    );
    const { code, output } = await gatehouse(`hashes reset ${beyondIds[0]}`, NEW_PASSWORD);
    expect(output).toBe(`account ${beyondIds[0]} has a new password, and no session\n`);
    expect(code).toBe(0);
    expect(await hasher.verify(NEW_PASSWORD, await stored(beyondIds[0]))).toEqual({ ok: true, needsRehash: false });
    const [left] = await connection.query("select count(*), count(*) filter (where user_id = $1) from sessions", [
      beyondIds[0],
    ]);
    expect(left).toEqual([ids.length + BEYOND.length, 0]);
    expect((await gatehouse(`hashes reset ${beyondIds[0]}`, "short")).output).toContain("at least 15 characters");
  });
});
