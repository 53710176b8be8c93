import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Command } from "commander";

/** `gatehouse daemon`: the daemon alone, in a process of its own, since the edge's code imports none of the daemon's. */
export function register(program: Command): void {
  program
    .command("daemon")
    .description("run the daemon alone")
    .option("--config <file>", "models and limits (default: GATEHOUSE_CONFIG, else python/models.toml)")
    .action(runDaemon);
}

async function runDaemon({ config }: { readonly config?: string }): Promise<void> {
  const [{ root }, { programArgs }, { listenForStop }] = await Promise.all([
    import("./set-up/checkout.mjs"),
    import("./set-up/programs.mjs"),
    import("./set-up/stop-requests.mjs"),
  ]);
  const { gracefully, atOnce } = listenForStop(process.env);
  // npm runs scripts in the checkout's top folder and says in INIT_CWD where the person was.
  const flags = config === undefined ? [] : ["--config", resolve(process.env.INIT_CWD ?? ".", config)];
  const child = spawn(process.execPath, [...programArgs("daemon"), ...flags], {
    cwd: root,
    env: { ...process.env, GATEHOUSE_OWNED: "1" },
    stdio: ["pipe", "inherit", "inherit"],
    detached: true,
  });
  const ended = once(child, "exit");
  gracefully.addEventListener("abort", () => child.kill("SIGTERM"));
  atOnce.addEventListener("abort", () => child.kill("SIGKILL"));
  const [code] = await ended;
  process.exit(code ?? 1);
}
