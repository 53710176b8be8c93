import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
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

  it("leaves alone what is at its path by the time it ends: another's file, or nothing", () => {
    const dataDir = mkdtempSync(join(folder, "moved-"));
    const path = join(dataDir, "pglite.lock");
    const first = acquireFileLock(path);
    renameSync(dataDir, `${dataDir}.old`);
    cpSync(`${dataDir}.old`, dataDir, { recursive: true });
    const second = acquireFileLock(path);
    first.release();
    expect(ownerSeen(path)).toEqual({ pid: process.pid, socketFolder: undefined });
    rmSync(dataDir, { recursive: true });
    second.release();
  });

  it("follows no link and waits for no pipe, but says what is in its place", () => {
    const precious = join(folder, "precious");
    writeFileSync(precious, "precious");
    const path = join(folder, "odd.lock");
    const makers = [() => symlinkSync(precious, path), () => mkdirSync(path), () => execFileSync("mkfifo", [path])];
    for (const make of makers) {
      make();
      expect(() => acquireFileLock(path)).toThrow(
        `${path} is not a file as Gatehouse makes it: remove it and start again`,
      );
      rmSync(path, { recursive: true });
    }
    expect(readFileSync(precious, "utf8")).toBe("precious");
  });

  it.each([
    [
      "flock fails and there is no python3",
      { flock: "echo 'flock: 3: No locks available' >&2; exit 1" },
      "flock ended with 1, python3 cannot be run",
    ],
    ["both fail", { flock: "exit 71", python3: "exit 1" }, "flock ended with 71, python3 ended with 1"],
    ["there is neither", {}, "flock cannot be run, python3 cannot be run"],
  ])("does not take it for somebody else's lock when %s", (_, scripts, failures) => {
    const bin = mkdtempSync(join(folder, "failing-"));
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    }
    vi.stubEnv("PATH", bin);
    try {
      const path = join(bin, "pglite.lock");
      expect(() => acquireFileLock(path)).toThrow(`cannot lock ${path}: ${failures}`);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("names an owner that left no number as another process", () => {
    const path = join(folder, "nameless.lock");
    const lock = acquireFileLock(path);
    writeFileSync(path, "");
    expect(() => acquireFileLock(path)).toThrow("in use by another process: end that one first");
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
