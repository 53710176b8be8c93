import { Command, CommanderError } from "commander";
import { register as registerDaemon } from "./daemon.ts";
import { register as registerDb } from "./db.ts";
import { register as registerEdge } from "./edge.ts";
import { findCommands } from "./find-commands.ts";
import { register as registerHashCalibrate } from "./hash-calibrate.ts";
import { register as registerHashes } from "./hashes.ts";
import { register as registerToken } from "./token.ts";
import { register as registerUp } from "./up.ts";
import { register as registerUsers } from "./users.ts";

const USAGE_ERROR = 2;

const program = new Command("gatehouse")
  .description("A password login and your own Python models, on the internet, for one small team.")
  .exitOverride()
  .showHelpAfterError("(gatehouse --help lists the commands)");

for (const register of [
  registerUp,
  registerEdge,
  registerDaemon,
  registerDb,
  registerHashes,
  registerHashCalibrate,
  registerUsers,
  registerToken,
])
  register(program);

try {
  await program.parseAsync();
} catch (error) {
  const code = explain(error);
  // Exits rather than waits for what a command that failed half-way has left open, but not before a slow reader has all of the output.
  process.stdout.write("", () => process.exit(code));
}

/** Says on stderr what went wrong, in a sentence, and gives the exit code: 2 for usage, 1 for failure. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === "commander.unknownCommand") sayWhereItIs(error);
    return error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
  process.stderr.write(`gatehouse: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}

/** Commander knows what is spelled alike beside it; this is for who left the group out, or took another. */
function sayWhereItIs({ message }: CommanderError): void {
  const found = findCommands(program, /'(.*)'/s.exec(message)?.[1] ?? "");
  if (found.length > 0) process.stderr.write(`(Did you mean ${found.join(" or ")}?)\n`);
}
