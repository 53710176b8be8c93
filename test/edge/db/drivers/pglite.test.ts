import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPglite } from "../../../../src/db/drivers/pglite.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import { type Program, startProgram } from "../../../fixtures/program.ts";

let dataDir: string;
beforeAll(async () => {
  dataDir = await freshDataDir();
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const program = (name: string) => fileURLToPath(new URL(`../../../fixtures/programs/${name}.ts`, import.meta.url));
const own = (): Program =>
  startProgram(process.execPath, ["--import", "tsx", program("own-pglite"), dataDir], { stdin: "pipe" });

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

  it("starts over when it was killed while making a new database", async () => {
    const folder = join(dataDir, "interrupted");
    mkdirSync(join(folder, "pglite.unfinished", "base"), { recursive: true });
    const { close } = await openPglite({ dataDir: folder });
    await close();
    expect(readdirSync(folder)).toEqual(["pglite"]);
    rmSync(folder, { recursive: true });
  });

  it("says which folder cannot be written, and why", async () => {
    const file = join(dataDir, "file");
    writeFileSync(file, "");
    await expect(openPglite({ dataDir: join(file, "below") })).rejects.toMatchObject({
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
      writeAfterwards: "fine",
      checkpointWhenFull: "DATABASE_UNAVAILABLE: the database has no room or no free connection",
      readAfterPanic: full,
      readWithRoom: "fine",
      writeWithRoom: "fine",
    });
  });
});
