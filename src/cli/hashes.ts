import type { Command } from "commander";
import { registerCheck } from "./hashes-check.ts";
import { registerRelabel } from "./hashes-relabel.ts";
import { registerReport } from "./hashes-report.ts";
import { registerReset } from "./hashes-reset.ts";
import { registerWrap } from "./hashes-wrap.ts";

/** `gatehouse hashes …`. */
export function register(program: Command): void {
  const hashes = program.command("hashes").description("count the hashes that are stored, leave fast ones behind");
  registerReport(hashes);
  registerCheck(hashes);
  registerWrap(hashes);
  registerRelabel(hashes);
  registerReset(hashes);
}
