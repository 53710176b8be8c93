import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { acquireFileLock, InUseError } from "../../../../../src/db/drivers/pglite/lock.ts";
import { startProgram } from "../../../../fixtures/program.ts";

const folder = mkdtempSync(join(tmpdir(), "gatehouse-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

const takeLock = fileURLToPath(new URL("../../../../fixtures/programs/take-lock.ts", import.meta.url));
const run = (args: string[], env = process.env) =>
  startProgram(process.execPath, ["--import", "tsx", ...args], { env });

function ownerSeen(path: string): unknown {
  try {
    acquireFileLock(path).release();
  } catch (error) {
    if (error instanceof InUseError) return error.owner;
  }
  return expect.unreachable("the lock was free");
}

describe("acquireFileLock", { timeout: 60_000 }, () => {
  it("names the owner to whoever comes second, and lets go on release", () => {
    const path = join(folder, "pglite.lock");
    const lock = acquireFileLock(path);
    expect(() => acquireFileLock(path)).toThrow(
      `the database in ${folder} is in use by process ${process.pid}: end that one first, or set DATA_DIR to another folder`,
    );
    lock.release();
    lock.release();
    expect(existsSync(path)).toBe(false);
    acquireFileLock(path).release();
  });

  it("says where the owner's socket is once it is there, and what a killed owner left", () => {
    const path = join(folder, "pglite.lock");
    writeFileSync(path, "4242\n/run/left-over\n");
    const lock = acquireFileLock(path);
    expect(lock.before).toEqual({ pid: 4242, socketFolder: "/run/left-over" });
    expect(ownerSeen(path)).toEqual({ pid: process.pid, socketFolder: undefined });
    lock.announce("/run/here");
    expect(ownerSeen(path)).toEqual({ pid: process.pid, socketFolder: "/run/here" });
    lock.release();
  });

  it("never has two owners while several take and release it as fast as they can", async () => {
    const path = join(folder, "contended.lock");
    const takers = Array.from({ length: 3 }, () => run([takeLock, path, "30"]));
    for (const taker of takers) expect((await taker.printed(/together (\d+)/))[1]).toBe("0");
  });

  it("works with python3 where there is no flock", async () => {
    const bin = mkdtempSync(join(folder, "bin-"));
    // Not what PATH finds, which may be a shell script that needs more of PATH.
    const python = execFileSync("python3", ["-c", "import os, sys; print(os.path.realpath(sys.executable))"]);
    symlinkSync(String(python).trim(), join(bin, "python3"));
    const path = join(folder, "python.lock");
    const taker = run([takeLock, path, "1"], { ...process.env, PATH: bin });
    expect((await taker.printed(/together (\d+)/))[1]).toBe("0");
    const lock = acquireFileLock(path);
    const refused = startProgram("python3", ["-c", "import fcntl, sys; fcntl.flock(open(sys.argv[1]), 6)", path]);
    expect(await new Promise((ended) => refused.child.once("exit", ended))).toBe(1);
    expect(refused.output()).toContain("BlockingIOError");
    lock.release();
  });
});
