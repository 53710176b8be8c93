import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDataFolder, unfinishedFolder } from "../../../../../src/db/drivers/pglite/data-folder.ts";
import { InUseError } from "../../../../../src/db/drivers/pglite/lock.ts";

let dataDir: string;
let path: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "gatehouse-folder-"));
  path = join(dataDir, "pglite");
});
afterEach(() => rmSync(dataDir, { recursive: true }));

function makeDatabase(at = path): void {
  mkdirSync(at);
  writeFileSync(join(at, "PG_VERSION"), "17\n");
}

describe("lockDataFolder", () => {
  it("has one owner, by whatever path it is reached", () => {
    makeDatabase();
    const folder = lockDataFolder(path);
    const link = join(dataDir, "link");
    symlinkSync(path, link);
    expect(() => lockDataFolder(path)).toThrow(InUseError);
    expect(() => lockDataFolder(link)).toThrow(InUseError);
    folder.release();
    lockDataFolder(link).release();
  });

  it("lets a copy have an owner of its own", () => {
    makeDatabase();
    const original = lockDataFolder(path);
    cpSync(path, `${path}.copy`, { recursive: true });
    const copy = lockDataFolder(`${path}.copy`);
    expect([original.isInPlace(), copy.isInPlace()]).toEqual([true, true]);
    for (const each of [original, copy]) each.release();
  });

  it("locks a new one where it is made, empties what a kill left there, and keeps the lock when it is moved", () => {
    mkdirSync(join(unfinishedFolder(path), "base"), { recursive: true });
    const folder = lockDataFolder(path);
    expect(folder.isNew).toBe(true);
    expect(readdirSync(unfinishedFolder(path))).toEqual([]);
    expect(() => lockDataFolder(path)).toThrow(InUseError);
    writeFileSync(join(unfinishedFolder(path), "PG_VERSION"), "17\n");
    expect(folder.isInPlace()).toBe(false);
    renameSync(unfinishedFolder(path), path);
    expect(folder.isInPlace()).toBe(true);
    expect(() => lockDataFolder(path)).toThrow(InUseError);
    folder.release();
    expect(existsSync(unfinishedFolder(path))).toBe(false);
  });

  it.each<[string, () => void]>([
    ["removed", () => rmSync(path, { recursive: true })],
    ["emptied", () => rmSync(join(path, "PG_VERSION"))],
    ["moved away", () => renameSync(path, `${path}.old`)],
    [
      "replaced by a copy",
      () => {
        renameSync(path, `${path}.old`);
        cpSync(`${path}.old`, path, { recursive: true });
      },
    ],
  ])("knows that it was %s", (_, change) => {
    makeDatabase();
    const folder = lockDataFolder(path);
    change();
    expect(folder.isInPlace()).toBe(false);
    folder.release();
  });
});
