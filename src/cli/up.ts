import type { Command } from "commander";

/** `gatehouse up`: edge and daemon, owned by this process. Settings come from the environment, as for `npm start`. */
export function register(program: Command): void {
  program
    .command("up")
    .description("run edge and daemon until Ctrl-C")
    .action(async () => {
      const [{ up }, { outliveReaders }, { listenForStop }] = await Promise.all([
        import("./up/start.mjs"),
        import("./set-up/outlive-readers.mjs"),
        import("./set-up/stop-requests.mjs"),
      ]);
      outliveReaders();
      const stop = listenForStop(process.env);
      try {
        process.exitCode = await up({ env: process.env, stop });
      } finally {
        stop.close();
      }
    });
}
