import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireFileLock, pgliteLockPath } from "../../../src/db/drivers/pglite/lock.ts";
import { openEmbedded } from "../../../src/runtimes/node/embedded-database.ts";
import { runGatehouse, startGatehouse } from "../../fixtures/gatehouse.ts";
import { freshDataDir } from "../../fixtures/pglite-folder.ts";

const inFolder = (dataDir: string) => ({ DATABASE_URL: "", DATA_DIR: dataDir, PASSWORD_PROFILE: "development" });

describe("a command while somebody else has the embedded database", { timeout: 60_000 }, () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await freshDataDir();
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it("says for whom it waits, once, and takes the database when that one lets go without having served it", async () => {
    const lock = acquireFileLock(pgliteLockPath(dataDir));
    const command = startGatehouse(["db", "status"], inFolder(dataDir));
    const line = `waiting for process ${process.pid}, which has the database in ${dataDir}\n`;
    await command.printed(new RegExp(line));
    await command.printed(new RegExp(`^still waiting for process ${process.pid}: it is opening the database`, "m"));
    lock.release();
    expect(await command.closed).toBe(0);
    expect(command.output().split(line)).toHaveLength(2);
    expect(command.output().match(/^still/gm)).toHaveLength(1);
    expect(command.output()).toMatch(/pending +0000_/);
  });

  it("waits while the socket leads nowhere: the owner ends, has broken or was just killed", async () => {
    const lock = acquireFileLock(pgliteLockPath(dataDir));
    lock.announce(dataDir);
    const command = startGatehouse(["db", "status"], inFolder(dataDir));
    await command.printed(/waiting for process/);
    lock.release();
    expect(await command.closed).toBe(0);
  });

  it.each([
    ["fails", "55P03", "gatehouse: the database could not get a lock in time\n"],
    [
      "is cut off each time",
      "57P01",
      "waiting for process PID, which has the database in DIR\ngatehouse: the database in DIR cannot be brought up to date beside process PID, which ended our connection each time: end that one first, then run gatehouse db migrate\n",
    ],
  ])("does not wait when what brings the database up to date %s in the owner", async (_what, sqlState, said) => {
    const owner = await openEmbedded({ dataDir });
    const connection = await owner.connect();
    await connection.query(
      `create function refuse() returns event_trigger language plpgsql as $$ begin raise sqlstate '${sqlState}'; end $$`,
    );
    await connection.query("create event trigger refuse on ddl_command_start execute function refuse()");
    await connection.close();
    const { code, output } = await runGatehouse(["users", "list"], inFolder(dataDir));
    await owner.close();
    expect(output).toBe(said.replaceAll("PID", String(process.pid)).replaceAll("DIR", dataDir));
    expect(code).toBe(1);
  });

  it("waits its turn when several start at once on a new folder without an edge, and each succeeds", async () => {
    rmSync(join(dataDir, "pglite"), { recursive: true });
    const run = (args: string[], typed?: string) => runGatehouse(args, inFolder(dataDir), typed);
    const create = (name: string) => run(["users", "create", `${name}@example.test`], "a long password\n");
    const ended = await Promise.all([create("one"), create("two"), run(["db", "migrate"]), run(["db", "status"])]);
    expect(ended.map(({ code, output }) => (code === 0 ? "fine" : output))).toEqual(Array(4).fill("fine"));
    expect((await create("one")).output).toContain("already");
  });

  it("works right after kill -9 of the edge that had it", async () => {
    const edge = startGatehouse(["edge", "--port", "0"], inFolder(dataDir));
    await edge.printed(/edge is listening/);
    edge.child.kill("SIGKILL");
    const { code, output } = await runGatehouse(["hashes", "report"], inFolder(dataDir));
    expect(output).not.toContain("cannot be reached");
    expect(code).toBe(0);
  });

  it("waits for an edge that makes its database, and goes through it", async () => {
    const empty = mkdtempSync(join(tmpdir(), "gatehouse-empty-"));
    const edge = startGatehouse(["edge", "--port", "0"], inFolder(empty));
    const lockIsThere = pgliteLockPath(empty);
    await expect.poll(() => existsSync(lockIsThere), { interval: 10, timeout: 30_000 }).toBe(true);
    const { code, output } = await runGatehouse(["hashes", "report"], inFolder(empty));
    expect(output).toContain(`waiting for process ${edge.child.pid}, which has the database in ${empty}`);
    expect(code).toBe(0);
    await edge.printed(/edge is listening/);
    await edge.stop();
    rmSync(empty, { recursive: true });
  });

  it("reaches an edge whose folder has too long a path for a socket", async () => {
    const long = join(dataDir, "d".repeat(100));
    mkdirSync(long);
    renameSync(join(dataDir, "pglite"), join(long, "pglite"));
    const edge = startGatehouse(["edge", "--port", "0"], inFolder(long));
    await edge.printed(/edge is listening/);
    const { code, output } = await runGatehouse(["db", "status"], inFolder(long));
    expect(output).toMatch(/applied +0000_/);
    expect(output).not.toContain("waiting");
    expect(code).toBe(0);
    await edge.stop();
  });
});
