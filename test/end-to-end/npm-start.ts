import { processesIn } from "../fixtures/processes-in.ts";
import { type Program, startProgram } from "../fixtures/program.ts";

export interface NpmStart {
  /** What it printed so far. */
  output(): string;
  /** The `ready` line. Rejects when `npm start` ends without one. */
  ready(): Promise<string>;
  /** Sends a signal to npm alone. */
  signal(name: NodeJS.Signals): void;
  /** Ctrl-C: SIGINT to the whole process group, as a terminal sends it. */
  pressCtrlC(): void;
  /** The exit code, once npm is gone and its output closed. */
  ended(): Promise<number | null>;
}

export interface NpmStartOptions {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs the real `npm start` in a copy of the checkout, as the leader of a process group, as a shell would. */
export function npmStart({ folder, env }: NpmStartOptions): NpmStart {
  const program: Program = startProgram("npm", ["start"], { cwd: folder, env: cleanEnv(env), detached: true });
  const { child, closed } = program;
  return {
    output: program.output,
    ready: async () => (await program.printed(/^ready .*$/m))[0],
    signal: (name) => child.kill(name),
    pressCtrlC: () => process.kill(-(child.pid ?? 0), "SIGINT"),
    ended: () => closed,
  };
}

/** The environment of somebody's shell: what npm and vitest told us is not theirs. */
function cleanEnv(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_(?!config_)|VITEST|NODE_ENV$|NODE_OPTIONS$|TSX_|GATEHOUSE_|DATABASE_)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...more };
}

/** Resolves when no process works in the folder any more; rejects, naming those that do, when that takes longer than `withinMs`. */
export async function untilNoProcessIn(folder: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let left = processesIn(folder); left.length > 0; left = processesIn(folder)) {
    if (performance.now() > deadline) {
      throw new Error(
        `still there after ${withinMs} ms:\n${left.map(({ pid, command }) => `${pid} ${command}`).join("\n")}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
