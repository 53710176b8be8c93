import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, runProgram } from "./run-program.ts";

/**
 * `npm run db:push`: brings a throwaway database to src/db/schema.ts without a migration. On a terminal drizzle-kit asks before it
 * loses anything. Elsewhere it cannot ask, does nothing and still exits 0, so there only its words say whether it worked.
 */
const drizzleKit = join(root, "node_modules/.bin/drizzle-kit");
if (process.stdin.isTTY) {
  process.exitCode = spawnSync(drizzleKit, ["push"], { cwd: root, stdio: "inherit" }).status ?? 1;
} else {
  const { output } = await runProgram(drizzleKit, {
    args: ["push"],
    capture: true,
    signal: new AbortController().signal,
  });
  const refusal = /^gatehouse: .*$/m.exec(output)?.[0];
  if (refusal !== undefined) {
    process.stderr.write(`${refusal}\n`);
    process.exitCode = 1;
  } else if (/Changes applied|No changes detected/.test(output)) {
    process.stdout.write(output);
  } else {
    process.stderr.write("nothing was pushed: this change needs an answer from a person, on a terminal\n\n");
    process.stderr.write(output);
    process.exitCode = 1;
  }
}
