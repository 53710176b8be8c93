import { threadProgram } from "./thread-program.ts";

let program: URL | undefined;

/** The hash thread's program, made once a process. */
export function hashThreadProgram(): URL {
  program ??= threadProgram(new URL("./hash-thread.ts", import.meta.url));
  return program;
}
