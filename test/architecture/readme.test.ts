import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../daemon/config.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

/** The code blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text]) => text ?? "",
  );
}

describe("the README", () => {
  it("links only to files that are there", () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? "");
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("names only npm commands that exist", () => {
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
  });

  it("says of every package why it is there, and of no other", () => {
    const table = readme.slice(readme.indexOf("## What it is built on"));
    const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) => (cell ?? "").split(", "));
    const types = Object.keys(manifest.devDependencies).filter((name) => name.startsWith("@types/"));
    const packages = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    expect(packages.filter((name) => !types.includes(name) && !named.includes(name))).toEqual([]);
    const python = ["uvloop", "orjson", "numpy", "wordllama", "pytest", "hypothesis", "ruff", "import-linter"];
    const others = named.filter((name) => /^[@a-z][\w@/.-]*$/.test(name) && !packages.includes(name));
    expect(others.filter((name) => ![...python, "package", "node", "bun"].includes(name))).toEqual([]);
  });

  it("shows the defaults that models.toml really has", () => {
    const shown = blocks("toml").find((text) => text.includes("max_buffered_bytes")) ?? "";
    const auth = '[auth]\njwks = "https://login.example.com/.well-known/jwks.json"\n';
    const least = `${auth}[models.NAME]\nclass = "examples/echo.py:Echo"\n`;
    const folder = join(root, "python");
    expect(parseConfig(shown, folder, {})).toEqual(parseConfig(least, folder, {}));
  });
});
