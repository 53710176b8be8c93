import { join } from "node:path";
import { root } from "./run-program.ts";

/** One check of `npm run check`: a program that exits 0 when all is well. */
export interface Check {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const bin = (name: string) => join(root, "node_modules/.bin", name);
const python = (name: string) => join(root, ".venv/bin", name);

/** Every check, the slow ones first, since they run side by side. */
export const CHECKS: readonly Check[] = [
  { name: "types (tsc)", program: bin("tsc"), args: ["-b"] },
  { name: "Python types (pyright)", program: bin("pyright"), args: ["-p", "python"] },
  {
    name: "doors between folders (dependency-cruiser)",
    program: bin("depcruise"),
    args: ["--config", "test/architecture/dependency-cruiser.cjs", "src", "daemon"],
  },
  { name: "unused code (knip)", program: bin("knip"), args: ["--config", "test/architecture/knip.json"] },
  {
    name: "tables and migrations agree (drizzle-kit)",
    program: process.execPath,
    args: ["--import", "tsx", "test/commands/schema-drift.ts"],
  },
  { name: "lint and format (biome)", program: bin("biome"), args: ["check", "--error-on-warnings", "."] },
  {
    name: "Python doors (import-linter)",
    program: python("lint-imports"),
    args: ["--config", "python/pyproject.toml", "--no-logo"],
    env: { PYTHONPATH: join(root, "python/src") },
  },
  {
    name: "password kernels are what their source builds",
    program: process.execPath,
    args: ["src/password/kernel/build.mjs", "--check"],
  },
  { name: "Python lint (ruff)", program: python("ruff"), args: ["check", "python", "test"] },
  { name: "Python format (ruff)", program: python("ruff"), args: ["format", "--check", "python", "test"] },
];

/** What `npm run fix` runs, one after the other. */
export const FIXES: readonly Check[] = [
  { name: "biome", program: bin("biome"), args: ["check", "--write", "."] },
  { name: "ruff check", program: python("ruff"), args: ["check", "--fix", "python", "test"] },
  { name: "ruff format", program: python("ruff"), args: ["format", "python", "test"] },
];
