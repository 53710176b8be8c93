import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");

describe("lock files", () => {
  test.each(["package-lock.json", "test/runtimes/package-lock.json"])(
    "%s names content and no registry host",
    (path) => {
      const { packages } = JSON.parse(read(path)) as { packages: Record<string, Record<string, unknown>> };
      const installed = Object.entries(packages).filter(([name]) => name !== "");
      expect(installed.length).toBeGreaterThan(5);
      for (const [name, entry] of installed) {
        expect(entry, name).toHaveProperty("integrity");
        expect(entry, name).not.toHaveProperty("resolved");
      }
    },
  );

  test.each(["python/requirements.lock", "python/requirements-dev.lock"])("%s names content and no index", (path) => {
    const lines = read(path).split("\n");
    expect(lines.filter((line) => /^[\w.-]+==/.test(line)).length).toBeGreaterThan(5);
    expect(lines.filter((line) => line.includes("--hash=sha256:")).length).toBeGreaterThan(5);
    expect(lines.filter((line) => /https?:|index-url|find-links/.test(line))).toEqual([]);
  });

  test("the developers' lock holds what the other holds, in the same versions", () => {
    const pins = (path: string) => read(path).match(/^[\w.-]+==[^\s;\\]+/gm) ?? [];
    expect(pins("python/requirements-dev.lock")).toEqual(expect.arrayContaining(pins("python/requirements.lock")));
  });
});
