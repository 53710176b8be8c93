import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root, runProgram } from "./run-program.ts";

/**
 * Fails when src/db/schema.ts says something that no migration in drizzle/ does: lets drizzle-kit generate into a copy and wants
 * nothing new there. Its exit code says nothing (it is 0 after a question it could not ask), so its words count.
 */
const folder = mkdtempSync(join(tmpdir(), "gatehouse-drift-"));
try {
  cpSync(join(root, "drizzle"), folder, { recursive: true });
  const { output } = await runProgram(join(root, "node_modules/.bin/drizzle-kit"), {
    // drizzle-kit takes an absolute path for a relative one.
    args: ["generate", "--dialect=postgresql", "--schema=src/db/schema.ts", `--out=${relative(root, folder)}`],
    capture: true,
    signal: new AbortController().signal,
  });
  if (!output.includes("No schema changes, nothing to migrate")) {
    process.stderr.write(`src/db/schema.ts and drizzle/ differ: npm run db:generate -- --name=<what>\n${output}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
