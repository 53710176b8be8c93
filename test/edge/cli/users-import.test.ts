import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readRecords } from "../../../src/cli/users-import/read-records.ts";
import { type ValidateOptions, validateRecords } from "../../../src/cli/users-import/validate.ts";
import type { SqlConnection } from "../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../src/db/migrator/migrate.ts";
import { runGatehouse, startGatehouse } from "../../fixtures/gatehouse.ts";
import { send } from "../../fixtures/http-client.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";

const PHC = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ";
const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

describe("readRecords", () => {
  it("reads quoted commas, quotes and line breaks, and knows where each record begins", () => {
    const { records, bad } = readRecords(
      '\uFEFFemail,password_hash\r\n"a@x.test","with ""quotes"", and\r\na line break"\r\n\r\nb@x.test,second\r\n',
      "csv",
    );
    expect(bad).toEqual([]);
    expect(records).toEqual([
      { line: 2, values: { email: "a@x.test", password_hash: 'with "quotes", and\r\na line break' } },
      { line: 5, values: { email: "b@x.test", password_hash: "second" } },
    ]);
  });

  it.each([
    ["no header", "k1@x.test,one\n", /does not begin with a header/],
    ["nothing", "", /does not begin with a header/],
    ["a column twice", "email,password_hash,email\na@x.test,one,b@x.test\n", /names a column twice/],
  ])("refuses a CSV with %s instead of losing its first account", (_what, text, reason) => {
    expect(readRecords(text, "csv")).toEqual({
      records: [],
      bad: [{ line: 1, reason: expect.stringMatching(reason) }],
    });
  });

  it("goes on after a line with too few or too many columns", () => {
    const { records, bad } = readRecords("email,password_hash\nonly\na@x.test,one\na,b,c\n", "csv");
    expect(records.map(({ line }) => line)).toEqual([3]);
    expect(bad).toEqual([
      { line: 2, reason: expect.stringMatching(/^It has 1 columns, the header 2: a value with a comma/) },
      { line: 4, reason: expect.stringMatching(/^It has 3 columns, the header 2: a value with a comma/) },
    ]);
  });

  it("says that quotes do not match", () => {
    const { bad } = readRecords('email,password_hash\na@x.test,"one" more\nb@x.test,two\n', "csv");
    expect(bad).toEqual([{ line: 2, reason: "The quotes in it do not match." }]);
  });

  it("reads JSON lines, empty ones left out", () => {
    const { records, bad } = readRecords('{"email":"a@x.test"}\n\n{"email":\n[]\n', "jsonl");
    expect(records).toEqual([
      { line: 1, values: { email: "a@x.test" } },
      { line: 4, values: [] },
    ]);
    expect(bad).toEqual([{ line: 3, reason: "It is not JSON." }]);
  });
});

describe("validateRecords", () => {
  const options: ValidateOptions = {
    scheme: undefined,
    knowsPepper: () => false,
    now: new Date("2026-11-24T00:00:00Z"),
  };
  const record = (values: unknown, line = 2) => ({ line, values });

  it("normalises addresses, keeps ids and instants, and fills in what is missing", () => {
    const { users, bad } = validateRecords(
      [
        record({
          id: ID,
          email: " Ann@Example.Test ",
          password_hash: PHC,
          created_at: "2020-02-03T04:05:06+01:00",
          email_verified_at: "",
        }),
        record(
          { email: "bob@example.test", password_hash: PHC, salt: "", email_verified_at: "2021-01-01T00:00:00Z" },
          3,
        ),
      ],
      options,
    );
    expect(bad).toEqual([]);
    expect(users).toEqual([
      {
        line: 2,
        id: ID,
        email: "ann@example.test",
        passwordHash: PHC,
        createdAt: new Date("2020-02-03T03:05:06Z"),
        emailVerifiedAt: null,
      },
      {
        line: 3,
        id: expect.any(String),
        email: "bob@example.test",
        passwordHash: PHC,
        createdAt: options.now,
        emailVerifiedAt: new Date("2021-01-01T00:00:00Z"),
      },
    ]);
  });

  it.each([
    [{ email: "no address", password_hash: PHC }, /^email: This is not an e-mail address\.$/],
    [{ email: "a@x.test" }, /^password_hash is missing\.$/],
    [{ email: "a@x.test", password_hash: PHC, id: "7" }, /^id must be a UUID\.$/],
    [{ email: "a@x.test", password_hash: PHC, created_at: "yesterday" }, /^created_at must be an instant such as/],
    [
      { email: "a@x.test", password_hash: PHC, email_verified_at: "+294277-01-01T00:00:00Z" },
      /must be an instant such as/,
    ],
    [{ email: "a@x.test", password_hash: PHC, admin: "yes" }, /^There is no column admin\.$/],
    [{ email: "a@x.test", password_hash: "$2b$12$abcdefghijklmnopqrstuv" }, /stored password hash/i],
    [{ email: "a@x.test", password_hash: PHC.replace("m=8192", "m=999999999") }, /beyond the bounds/],
    [
      { email: "a@x.test", password_hash: PHC.replace("p=1", "p=1,keyid=Zm9v") },
      /needs a pepper that PASSWORD_PEPPERS lacks/,
    ],
    ["text", /^It is not an object\.$/],
  ])("refuses %j in a sentence that quotes no value", (values, sentence) => {
    const { users, bad } = validateRecords([record(values)], options);
    expect(users).toEqual([]);
    expect(bad).toEqual([{ line: 2, reason: expect.stringMatching(sentence) }]);
    expect(bad[0]?.reason).not.toMatch(/x\.test|c2FsdHNh|abab/);
  });

  it.each([{ salt: "s" }, { salt: "" }, {}])(
    "says how to import a digest, beside what is wrong with it (%j)",
    (salt) => {
      const { bad } = validateRecords(
        [record({ email: "a@x.test", password_hash: "ab".repeat(32), ...salt })],
        options,
      );
      expect(bad).toEqual([
        {
          line: 2,
          reason: expect.stringMatching(/stored password hash/i),
          advice: "Digests need --algorithm and --order, also without a salt.",
        },
      ]);
    },
  );

  it.each(["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59"])(
    "refuses the instant %s, whose year Postgres does not take as we write it",
    (created_at) => {
      const { users, bad } = validateRecords([record({ email: "a@x.test", password_hash: PHC, created_at })], options);
      expect(users).toEqual([]);
      expect(bad).toEqual([{ line: 2, reason: "created_at must be between the years 1 and 9999, in UTC." }]);
    },
  );

  const SALTLESS = { algorithm: "sha256", order: "salt-first", digestEncoding: "hex", saltEncoding: "utf8" } as const;

  it("takes a digest with an empty salt for one made without, and strings that say it all as they are", () => {
    const { users, bad } = validateRecords(
      [
        record({ email: "a@x.test", password_hash: "ab".repeat(32), salt: "" }, 2),
        record({ email: "b@x.test", password_hash: PHC, salt: "" }, 3),
      ],
      { ...options, scheme: SALTLESS },
    );
    expect(bad).toEqual([]);
    expect(users.map(({ passwordHash }) => passwordHash)).toEqual([
      expect.stringMatching(/^\$legacy-sha256\$o=salt-first,e=utf8,i=1\$\$[A-Za-z0-9+/]{43}$/),
      PHC,
    ]);
  });

  it("does not take a digest whose salt is missing altogether for one made without", () => {
    const { users, bad } = validateRecords([record({ email: "a@x.test", password_hash: "ab".repeat(32) })], {
      ...options,
      scheme: SALTLESS,
    });
    expect(users).toEqual([]);
    expect(bad).toEqual([{ line: 2, reason: "It has no salt: give an empty one if its digest was made without." }]);
  });

  it("refuses the second of two records with one address or id, naming the first", () => {
    const { users, bad } = validateRecords(
      [
        record({ id: ID, email: "a@x.test", password_hash: PHC }, 2),
        record({ email: "A@X.test", password_hash: PHC }, 3),
        record({ id: ID.toUpperCase(), email: "b@x.test", password_hash: PHC }, 4),
      ],
      options,
    );
    expect(users.map(({ line }) => line)).toEqual([2]);
    expect(bad).toEqual([3, 4].map((line) => ({ line, reason: "It has the address or the id of line 2." })));
  });
});

describe("gatehouse users import", { timeout: 60_000 }, () => {
  let postgres: PostgresServer;
  let connection: SqlConnection;
  let folder: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    await migrate({ connect: () => connectTcp({ url: postgres.url }) });
    connection = await connectTcp({ url: postgres.url });
    folder = mkdtempSync(join(tmpdir(), "gatehouse-import-"));
  });
  beforeEach(() => connection.query("delete from users"));
  afterAll(async () => {
    await connection.close();
    await postgres.stop();
    rmSync(folder, { recursive: true });
  });

  const importFile = (name: string, content: string, ...flags: string[]) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return runGatehouse(["users", "import", file, ...flags], { DATABASE_URL: postgres.url });
  };
  const emails = async () => (await connection.query("select email from users order by email")).flat();

  it("stores nothing when one line is bad, and names every bad line", async () => {
    const { code, output } = await importFile(
      "some.csv",
      `email,password_hash\na@x.test,"${PHC}"\nbroken,"${PHC}"\nb@x.test,\n`,
    );
    expect(code).toBe(1);
    expect(output).toContain("line 3: email: This is not an e-mail address.");
    expect(output).toContain("line 4: password_hash is missing.");
    expect(output).toContain("2 lines cannot be imported, so nothing was");
    expect(await emails()).toEqual([]);
  });

  it("says once how to import digests", async () => {
    const digest = "ab".repeat(32);
    const { code, output } = await importFile(
      "digests.csv",
      `email,password_hash\na@x.test,${digest}\nb@x.test,${digest}\n`,
    );
    expect(output).toMatch(/^lines 2-3: A stored password hash .*\.\nDigests need --algorithm and --order, .*\.\n/);
    expect(output.split("\n")).toHaveLength(4);
    expect(code).toBe(1);
  });

  it("imports digests with their salt, which then wait to be wrapped", async () => {
    const digest = createHash("sha256").update("pepperless").update("a long old password").digest("hex");
    const lines = [
      { id: ID, email: "Old@x.test", password_hash: digest, salt: "pepperless" },
      { email: "new@x.test", password_hash: PHC },
    ];
    const { code, output } = await importFile(
      "some.jsonl",
      lines.map((line) => JSON.stringify(line)).join("\n"),
      ...["--algorithm", "sha256", "--order", "salt-password"],
    );
    expect(output).toContain("2 accounts imported");
    expect(output).toContain("gatehouse hashes wrap");
    expect(code).toBe(0);
    expect(await connection.query("select email, password_hash from users where id = $1", [ID])).toEqual([
      ["old@x.test", expect.stringMatching(/^\$legacy-sha256\$o=salt-first,/)],
    ]);
  });

  it("imports digests without a salt, and people log in with them", async () => {
    const password = "a long old password";
    const digest = createHash("sha512").update(password).digest("hex");
    const { code } = await importFile(
      "saltless.csv",
      `email,password_hash,salt\nbare@x.test,${digest},\n`,
      ...["--algorithm", "sha512", "--order", "password-salt"],
    );
    expect(code).toBe(0);
    const env = { DATABASE_URL: postgres.url, DATA_DIR: folder, PASSWORD_PROFILE: "development" };
    const edge = startGatehouse(["edge", "--port", "0"], env);
    const [, url] = await edge.printed(/"url":"(http:[^"]+)"/);
    const logIn = (typed: string) => send(`${url}/v1/auth/login`, { json: { email: "bare@x.test", password: typed } });
    expect((await logIn(`${password}!`)).status).toBe(401);
    expect((await logIn(password)).status).toBe(200);
    await edge.stop();
  });

  it("names every line that only the database refuses, and stores nothing", async () => {
    await connection.query("alter table users add constraint no_b check (email not like 'b%')");
    try {
      const { code, output } = await importFile(
        "odd.csv",
        `email,password_hash\na@x.test,"${PHC}"\nb1@x.test,"${PHC}"\nc@x.test,"${PHC}"\nb2@x.test,"${PHC}"\n`,
      );
      expect(output).toContain("lines 3, 5: The database refuses it (SQLSTATE 23514).");
      expect(output).toContain("2 lines cannot be imported, so nothing was");
      expect(code).toBe(1);
      expect(await emails()).toEqual([]);
    } finally {
      await connection.query("alter table users drop constraint no_b");
    }
  });

  it("refuses addresses that are taken, or leaves them out when asked to", async () => {
    const content = `email,password_hash\na@x.test,"${PHC}"\nb@x.test,"${PHC}"\n`;
    await connection.query("insert into users (id, email, password_hash) values ($1, 'a@x.test', $2)", [ID, PHC]);
    const refused = await importFile("taken.csv", content);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.output).toContain("line 2: An account with its address or id is there already.");
    expect(await emails()).toEqual(["a@x.test"]);
    const { code, output } = await importFile("taken.csv", content, "--skip-existing");
    expect(output).toContain("1 accounts imported, 1 were there already");
    expect(code).toBe(0);
    expect(await emails()).toEqual(["a@x.test", "b@x.test"]);
  });
});
