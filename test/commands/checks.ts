import { join } from "node:path";
import { root } from "./run-program.ts";

/** One check of `npm run check`: a program that exits 0 when all is well. */
export interface Check {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
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
  { name: "lint and format (biome)", program: bin("biome"), args: ["check", "--error-on-warnings", "."] },
  {
    name: "Python doors (import-linter)",
    program: python("lint-imports"),
    args: ["--config", "python/pyproject.toml"],
  },
  { name: "Python lint (ruff)", program: python("ruff"), args: ["check", "python", "test/python"] },
  { name: "Python format (ruff)", program: python("ruff"), args: ["format", "--check", "python", "test/python"] },
];

/** What `npm run fix` runs, one after the other. */
export const FIXES: readonly Check[] = [
  { name: "biome", program: bin("biome"), args: ["check", "--write", "."] },
  { name: "ruff check", program: python("ruff"), args: ["check", "--fix", "python", "test/python"] },
  { name: "ruff format", program: python("ruff"), args: ["format", "python", "test/python"] },
];
