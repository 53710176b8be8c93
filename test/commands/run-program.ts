import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface RunResult {
  readonly exitCode: number;
  /** What it wrote, where it was captured. */
  readonly output: string;
}

export interface RunOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Keeps the output for the result instead of showing it. */
  readonly capture: boolean;
  /** Ends the program, and everything in its process group, when it aborts. */
  readonly signal: AbortSignal;
}

/** Runs a program in the checkout to its end; one that is missing counts as failed, with the reason as its output. */
export function runProgram(program: string, { args, env, capture, signal }: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    // A terminal's Ctrl-C must reach what owns a terminal; a captured program is ended by us.
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", capture ? "pipe" : "inherit", capture ? "pipe" : "inherit"],
      detached: capture,
    });
    const end = () => endProgram(child.pid, capture);
    signal.addEventListener("abort", end, { once: true });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const settle = (exitCode: number) => {
      signal.removeEventListener("abort", end);
      resolve({ exitCode, output });
    };
    child.once("error", (error) => {
      output += `${error.message}\n`;
      settle(1);
    });
    child.once("close", (code) => settle(code ?? 1));
  });
}

function endProgram(pid: number | undefined, wholeGroup: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(wholeGroup ? -pid : pid, "SIGTERM");
  } catch {
    // It ended by itself in the meantime.
  }
}
