import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTcp } from "../../../../src/db/drivers/tcp.ts";
import { recordBaseline } from "../../../../src/db/migrator/baseline.ts";
import { readCatalog } from "../../../../src/db/migrator/catalog.ts";
import { migrate, migrationStatus } from "../../../../src/db/migrator/migrate.ts";
import { openEmbedded } from "../../../../src/runtimes/node/embedded-database.ts";
import { CREATE_OLD_TABLE } from "../../../fixtures/old-table.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import { type PostgresServer, startPostgres } from "../../../fixtures/postgres.ts";
import { startProgram } from "../../../fixtures/program.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** The bare command, without a terminal. Its exit code says nothing, so its output is what counts. */
async function push(env: Record<string, string>): Promise<string> {
  const running = promisify(execFile)("npx", ["drizzle-kit", "push"], { cwd: root, env: { ...process.env, ...env } });
  running.child.stdin?.end();
  const { stdout, stderr } = await running.catch((failed: { stdout: string; stderr: string }) => failed);
  return stdout + stderr;
}

/** drizzle-kit says first which config file it reads. */
const withoutGreeting = (output: string) =>
  output.replace(/^.*(?:No config path|Reading config file).*\n/gm, "").trim();

async function runNode(args: string[], env: Record<string, string>) {
  const program = startProgram(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
  return { code: await program.closed, output: program.output() };
}

describe("drizzle-kit push and db migrate --baseline", { timeout: 60_000 }, () => {
  it("makes on an empty Postgres what the migrations make, so schema and migrations agree", async () => {
    const pushed = await postgres.createDatabase("pushed");
    const migrated = await postgres.createDatabase("migrated");
    expect(await push({ DATABASE_URL: pushed })).toContain("Changes applied");
    await migrate({ connect: () => connectTcp({ url: migrated }) });
    const connection = await connectTcp({ url: pushed });
    const reference = await connectTcp({ url: migrated });
    expect(await readCatalog(connection)).toEqual(await readCatalog(reference));
    await connection.close();
    await reference.close();
    expect(await push({ DATABASE_URL: migrated })).toContain("No changes detected");
  });

  it("records a pushed embedded database, and nothing is pending then", async () => {
    const dataDir = await freshDataDir();
    expect(await push({ DATABASE_URL: "", DATA_DIR: dataDir })).toContain("Changes applied");
    const pglite = await openEmbedded({ dataDir });
    await expect(migrate(pglite)).rejects.toThrow("db migrate --baseline");
    expect((await recordBaseline(pglite)).recorded).toHaveLength(4);
    expect((await migrationStatus(pglite)).migrations.map(({ state }) => state)).toEqual([
      "applied",
      "applied",
      "applied",
      "applied",
    ]);
    expect(await migrate(pglite)).toEqual({ applied: [] });
    await expect(recordBaseline(pglite)).rejects.toThrow("has a journal of migrations");

    expect(withoutGreeting(await push({ DATABASE_URL: "", DATA_DIR: dataDir }))).toMatch(
      /^gatehouse: the database in \S+ is in use by process \d+: end that one first[^\n]*$/,
    );
    await pglite.close();
    rmSync(dataDir, { recursive: true });
  });

  it("is refused on the old table in one sentence, and by npm run db:push too", async () => {
    const url = await postgres.createDatabase("old");
    const connection = await connectTcp({ url });
    await connection.query(CREATE_OLD_TABLE);
    const sentence =
      "gatehouse: this database has the old table, whose passwords a push would lose: bring it over with gatehouse db migrate";
    expect(withoutGreeting(await push({ DATABASE_URL: url }))).toBe(sentence);
    const { code, output } = await runNode(["--import", "tsx", "test/commands/db-push.ts"], { DATABASE_URL: url });
    expect(output.trim()).toBe(sentence);
    expect(code).toBe(1);
    expect(await connection.query("select count(*) from users")).toEqual([[0]]);
    await connection.close();
  });

  it("refuses to record tables that are not what the migrations make, and says what differs", async () => {
    const url = await postgres.createDatabase("edited");
    await migrate({ connect: () => connectTcp({ url }) });
    const connection = await connectTcp({ url });
    await connection.query("drop schema drizzle cascade");
    await connection.query("alter table users alter column email type text");
    await connection.query("drop index sessions_expires_at_index");
    await connection.close();
    const refusal = recordBaseline({ connect: () => connectTcp({ url }) });
    await expect(refusal).rejects.toMatchObject({ code: "BASELINE_REFUSED" });
    await expect(refusal).rejects.toThrow(/missing column users\.email character varying\(255\) not null/);
    await expect(refusal).rejects.toThrow(/missing index CREATE INDEX sessions_expires_at_index/);
  });
});
