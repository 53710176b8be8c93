import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeFolder } from "../../../../src/cli/set-up/make-folder.mjs";

let top: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "gatehouse-folder-"));
});

afterEach(() => rmSync(top, { recursive: true, force: true }));

describe("makeFolder", () => {
  test("makes a folder and those above it, closed to others, and accepts one that is there", () => {
    const path = join(top, "a", "b");
    makeFolder(path);
    makeFolder(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(top, "a")).mode & 0o777).toBe(0o700);
  });

  test("fails where a file is in the way", () => {
    writeFileSync(join(top, "file"), "");
    expect(() => makeFolder(join(top, "file"))).toThrow("EEXIST");
    expect(() => makeFolder(join(top, "file", "below"))).toThrow("ENOTDIR");
  });

  test.runIf(process.platform === "linux")("comes back from below /proc, where nothing can be made", () => {
    expect(() => makeFolder("/proc/gatehouse/data")).toThrow("ENOENT");
  });
});
