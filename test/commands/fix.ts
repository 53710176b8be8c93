import { listenForStop } from "../../src/cli/set-up/stop-requests.mjs";
import { FIXES } from "./checks.ts";
import { runProgram } from "./run-program.ts";

/** `npm run fix`: mends what the linters and formatters can mend, and shows what they leave. */
const stop = listenForStop(process.env);
for (const { name, program, args, env } of FIXES) {
  if (stop.gracefully.aborted) break;
  process.stdout.write(`${name}\n`);
  const { exitCode } = await runProgram(program, { args, env, capture: false, signal: stop.gracefully });
  if (exitCode !== 0) process.exitCode = 1;
}
stop.close();
