import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = `${root}.venv-bench`;
const lock = fileURLToPath(new URL("../requirements.lock", import.meta.url));
const stamp = `${folder}/installed.lock`;

/** The interpreter of the peers' own environment, installed from test/bench/requirements.lock when it is not there yet. */
export function benchPython(): string {
  const python = `${folder}/bin/python`;
  const wanted = readFileSync(lock, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;
  process.stdout.write("installing what we compare with into .venv-bench\n");
  run("python3", ["-m", "venv", folder]);
  run(python, ["-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", lock]);
  writeFileSync(stamp, wanted);
  return python;
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}
