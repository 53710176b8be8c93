import { once } from "node:events";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";

interface EdgeOptions {
  readonly host: string;
  readonly port: number;
}

/** `gatehouse edge`: the edge alone, until it is asked to end. */
export function register(program: Command): void {
  program
    .command("edge")
    .description("run the edge alone")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on, 0 for any free one", parsePort, 8787)
    .action(runEdge);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("It must be a number from 0 to 65535.");
  return port;
}

async function runEdge({ host, port }: EdgeOptions): Promise<void> {
  const [{ startEdge }, { logLastError }, { prepareDataDir }, { listenForStop }] = await Promise.all([
    import("../runtimes/node/edge.ts"),
    import("../runtimes/node/log-last-error.ts"),
    import("./set-up/data-dir.mjs"),
    import("./set-up/stop-requests.mjs"),
  ]);
  const { DATA_DIR, DATABASE_URL, SIGNING_KEYS } = process.env;
  // Where both come from outside, the file system may be read-only.
  if (!DATABASE_URL || !SIGNING_KEYS) prepareDataDir(resolve(DATA_DIR || ".data"));
  const { gracefully, atOnce } = listenForStop(process.env);
  atOnce.addEventListener("abort", () => process.exit(1));
  const edge = await startEdge({ env: process.env, host, port });
  logLastError(edge.log);
  if (!gracefully.aborted) await once(gracefully, "abort");
  await edge.close();
  // Exits rather than waits for handles: what had to be finished is.
  process.exit(0);
}
