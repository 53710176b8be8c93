import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PgliteChange } from "../../../../../src/db/drivers/pglite/keeper.ts";
import { socketUrl } from "../../../../../src/db/drivers/pglite/socket.ts";
import { connectTcp } from "../../../../../src/db/drivers/tcp.ts";
import { openEmbedded } from "../../../../../src/runtimes/node/embedded-database.ts";
import { freshDataDir } from "../../../../fixtures/pglite-folder.ts";
import { type Program, startProgram } from "../../../../fixtures/program.ts";

let dataDir: string;
beforeAll(async () => {
  dataDir = await freshDataDir();
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const program = (name: string) => fileURLToPath(new URL(`../../../../fixtures/programs/${name}.ts`, import.meta.url));
const own = (folder = dataDir): Program =>
  startProgram(process.execPath, ["--import", "tsx", program("own-pglite"), folder], { stdin: "pipe" });
const socketFolderOf = (folder: string) => readFileSync(join(folder, "pglite.lock"), "utf8").split("\n")[1] ?? "";

/** Runs a program with a small file system of its own under a folder, which holds a copy of the database. */
function onSmallDisk(name: string, { readOnly }: { readonly readOnly: boolean }): Program {
  const disk = mkdtempSync(join(dataDir, "disk-"));
  const script = [
    'mount -t tmpfs -o size=160m tmpfs "$1"',
    'cp -R "$2" "$1/pglite"',
    ...(readOnly ? ['mount -o remount,bind,ro "$1"'] : []),
    'shift 2 && exec "$@"',
  ].join(" && ");
  const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const node = [process.execPath, "--import", "tsx", program(name), disk];
  return startProgram("unshare", [
    ...asRoot,
    "--mount",
    "sh",
    "-c",
    script,
    "sh",
    disk,
    join(dataDir, "pglite"),
    ...node,
  ]);
}

describe("openPglite", { timeout: 60_000 }, () => {
  it("has one owner: a second process is refused in a sentence, and gets in as soon as the first was killed", async () => {
    const first = own();
    await first.printed(/^open$/m);
    const second = own();
    await second.printed(
      new RegExp(
        `^refused: the database in ${dataDir} is in use by process ${first.child.pid}: end that one first`,
        "m",
      ),
    );
    await second.stop();
    await first.stop("SIGKILL");
    expect(existsSync(join(dataDir, "pglite.lock"))).toBe(true);

    const third = own();
    await third.printed(/^open$/m);
    third.child.stdin?.end();
    await new Promise((ended) => third.child.once("exit", ended));
    expect(readdirSync(dataDir)).toEqual(["pglite"]);
  });

  it("has one owner also when its lock file was removed, and one that was ousted leaves the next one's files alone", async () => {
    const first = own();
    await first.printed(/^open$/m);
    rmSync(join(dataDir, "pglite.lock"));
    await expect(openEmbedded({ dataDir })).rejects.toMatchObject({
      message: `the database in ${dataDir} is in use by another process: end that one first, or set DATA_DIR to another folder`,
    });

    renameSync(dataDir, `${dataDir}.old`);
    cpSync(`${dataDir}.old`, dataDir, { recursive: true, filter: (path) => !path.endsWith(".s.PGSQL.5432") });
    const { close, connect } = await openEmbedded({ dataDir });
    first.child.stdin?.end();
    expect(await first.closed).toBe(0);
    expect(first.output()).toBe("open\n");
    expect(readdirSync(dataDir).sort()).toEqual([".s.PGSQL.5432", "pglite", "pglite.lock"]);
    const connection = await connect();
    expect(await connection.query("select 1")).toEqual([[1]]);
    await connection.close();
    await close();
    rmSync(`${dataDir}.old`, { recursive: true });
  });

  it("starts over when it was killed while making a new database", async () => {
    const folder = join(dataDir, "interrupted");
    mkdirSync(join(folder, "pglite.unfinished", "base"), { recursive: true });
    const { close } = await openEmbedded({ dataDir: folder });
    await close();
    expect(readdirSync(folder)).toEqual(["pglite"]);
    rmSync(folder, { recursive: true });
  });

  it("puts its socket into a private folder where its own path is too long for one, cleans up after a kill and makes it again when it was removed", async () => {
    const long = join(dataDir, "d".repeat(100));
    mkdirSync(long);
    renameSync(join(dataDir, "pglite"), join(long, "pglite"));
    const killed = own(long);
    await killed.printed(/^open$/m);
    const socketFolder = socketFolderOf(long);
    expect(statSync(socketFolder).mode & 0o777).toBe(0o700);
    const connection = await connectTcp({ url: socketUrl(socketFolder) });
    expect(await connection.query("select 1")).toEqual([[1]]);
    await connection.close();
    await killed.stop("SIGKILL");

    let told: (change: PgliteChange) => void = () => undefined;
    const { close, connect } = await openEmbedded({ dataDir: long, onChange: (change) => told(change) });
    expect(existsSync(socketFolder)).toBe(false);
    const another = socketFolderOf(long);
    // As a cleaner of temporary files does.
    rmSync(another, { recursive: true });
    await new Promise<void>((resolve) => {
      told = ({ open }) => open && resolve();
    });
    expect(statSync(another).mode & 0o777).toBe(0o700);
    await (await connect()).close();
    await close();
    expect(existsSync(another)).toBe(false);
    renameSync(join(long, "pglite"), join(dataDir, "pglite"));
    rmSync(long, { recursive: true });
  });

  it("leaves nothing behind when what prepares it fails", async () => {
    const prepare = () => Promise.reject(new RangeError("not prepared"));
    await expect(openEmbedded({ dataDir, prepare })).rejects.toThrow(new RangeError("not prepared"));
    expect(readdirSync(dataDir)).toEqual(["pglite"]);
  });

  it("says which folder cannot be written, and why", async () => {
    const file = join(dataDir, "file");
    writeFileSync(file, "");
    await expect(openEmbedded({ dataDir: join(file, "below") })).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      message: `the database's folder ${join(file, "below")} cannot be written (ENOTDIR)`,
    });
    rmSync(file);
  });

  it("says that a disk is read-only", async () => {
    await onSmallDisk("own-pglite", { readOnly: true }).printed(
      /^refused: the database's folder .* cannot be written \(EROFS\)$/m,
    );
  });

  it("takes no more writes on a full disk but reads, survives even a panic, and goes on when there is room again", async () => {
    const [report] = await onSmallDisk("fill-disk", { readOnly: false }).printed(/^\{.*\}$/m);
    const full = "DATABASE_UNAVAILABLE: the disk of the embedded database is full";
    expect(JSON.parse(report)).toEqual({
      writeWhenFull: full,
      readWhenFull: "fine",
      readinessWhenFull: full,
      writeAfterwards: "fine",
      readinessAfterwards: "fine",
      checkpointWhenFull: "DATABASE_UNAVAILABLE: the database has no room or no free connection",
      readAfterPanic: full,
      readWithRoom: "fine",
      writeWithRoom: "fine",
    });
  });
});
