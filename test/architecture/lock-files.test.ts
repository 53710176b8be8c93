import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
}).split("\n");
const npmLocks = tracked.filter((file) => file.endsWith("package-lock.json"));
const pythonLocks = tracked.filter((file) => /requirements.*\.lock$/.test(file));

/** Lines that send an installer to one certain place, instead of the registry this machine is set up for. */
function fixedPlaces(lock: string): string[] {
  return lock.split("\n").filter((line) => /"resolved":|--(extra-)?index-url|--find-links|@ (https?|file):/.test(line));
}

describe("lock files", () => {
  it("are there for npm and for Python", () => {
    expect(npmLocks).toContain("package-lock.json");
    expect(pythonLocks).toEqual(expect.arrayContaining(["python/requirements.lock", "python/requirements-dev.lock"]));
  });

  it.each([...npmLocks, ...pythonLocks])("%s names no registry", (file) => {
    expect(fixedPlaces(readFileSync(join(root, file), "utf8"))).toEqual([]);
  });

  it("would be caught naming one", () => {
    const naming = [
      '"resolved": "https://registry.example/a.tgz",',
      "--index-url https://registry.example/simple",
      "a @ https://a.example/a.whl",
    ];
    expect(fixedPlaces(naming.join("\n"))).toEqual(naming);
  });

  it.each(pythonLocks)("%s pins every package by version and hash", (file) => {
    const requirements = readFileSync(join(root, file), "utf8")
      .replaceAll(/\\\n\s*/g, " ")
      .split("\n")
      .filter((line) => /^[a-z]/i.test(line));
    expect(requirements.length).toBeGreaterThan(0);
    expect(requirements.filter((line) => !/^[\w.-]+(\[.*\])?==\S+.*--hash=sha256:[0-9a-f]{64}/.test(line))).toEqual([]);
  });

  it.each(npmLocks)("%s has an integrity for every package from a registry", (file) => {
    const { packages } = JSON.parse(readFileSync(join(root, file), "utf8")) as {
      packages: Record<string, { integrity?: string; link?: boolean; inBundle?: boolean }>;
    };
    const bare = Object.entries(packages).filter(
      ([name, entry]) => name !== "" && !entry.link && !entry.inBundle && entry.integrity === undefined,
    );
    expect(bare.map(([name]) => name)).toEqual([]);
  });
});
