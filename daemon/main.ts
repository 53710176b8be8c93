import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runDaemonProcess } from "./run-process.ts";

/** The daemon as a program: `[--config FILE]`, else GATEHOUSE_CONFIG, else python/models.toml. */
const DEFAULT_CONFIG = fileURLToPath(new URL("../python/models.toml", import.meta.url));

const { values } = parseArgs({ options: { config: { type: "string" } } });
const configPath = resolve(values.config ?? (process.env.GATEHOUSE_CONFIG || DEFAULT_CONFIG));
process.exit(await runDaemonProcess({ configPath }));
