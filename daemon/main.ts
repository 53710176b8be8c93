import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runDaemonProcess } from "./run-process.ts";

export { StartError } from "./errors.ts";
export { type DaemonOptions, type RunningDaemon, runDaemon } from "./run-daemon.ts";
export { runDaemonProcess } from "./run-process.ts";

const DEFAULT_CONFIG = fileURLToPath(new URL("../python/models.toml", import.meta.url));

if (realpathSync(process.argv[1] ?? "") === import.meta.filename) await runAsProgram();

/** `node --import tsx daemon/main.ts [--config FILE]`: how `gatehouse up` and `gatehouse daemon` start it. */
async function runAsProgram(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const configPath = resolve(values.config ?? (process.env.GATEHOUSE_CONFIG || DEFAULT_CONFIG));
  process.exit(await runDaemonProcess({ configPath }));
}
