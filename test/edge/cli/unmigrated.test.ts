import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTcp } from "../../../src/db/drivers/tcp.ts";
import { runGatehouse } from "../../fixtures/gatehouse.ts";
import { CREATE_OLD_TABLE } from "../../fixtures/old-table.ts";
import { freshDataDir } from "../../fixtures/pglite-folder.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";

const SENTENCE =
  "gatehouse: the database does not have the tables of this version: bring it up to date with gatehouse db migrate\n";

describe("a command on a database that nobody has migrated", { timeout: 60_000 }, () => {
  let postgres: PostgresServer;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), "gatehouse-unmigrated-"));
    file = join(folder, "accounts.csv");
    const hash = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ";
    writeFileSync(file, `email,password_hash\nann@example.test,"${hash}"\n`);
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true });
  });

  it.each([["users list"], ["users import"], ["hashes report"], ["hashes check"]])(
    "names the command that is missing: %s on Postgres",
    async (line) => {
      const operand = { "users import": [file], "hashes check": ["ann@example.test"] }[line] ?? [];
      const ended = await runGatehouse(
        [...line.split(" "), ...operand],
        { DATABASE_URL: postgres.url },
        "a password\n",
      );
      expect(ended).toEqual({ code: 1, output: SENTENCE });
    },
  );

  it("names the command that is missing: users import into the old table", async () => {
    const url = await postgres.createDatabase("old");
    const connection = await connectTcp({ url });
    await connection.query(CREATE_OLD_TABLE);
    await connection.close();
    const { code, output } = await runGatehouse(["users", "import", file], { DATABASE_URL: url });
    expect(output.split("\n").slice(1).join("\n")).toBe(SENTENCE);
    expect(code).toBe(1);
  });

  it("names the command that is missing: hashes report on an embedded database", async () => {
    const dataDir = await freshDataDir();
    const ended = await runGatehouse(["hashes", "report"], { DATABASE_URL: "", DATA_DIR: dataDir });
    rmSync(dataDir, { recursive: true });
    expect(ended).toEqual({ code: 1, output: SENTENCE });
  });
});
