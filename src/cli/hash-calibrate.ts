import { type Command, InvalidArgumentError } from "commander";
import type { CalibrateOptions } from "./hash-calibrate/calibrate.ts";

/** `gatehouse hash calibrate`. */
export function register(program: Command): void {
  const hash =
    program.commands.find((command) => command.name() === "hash") ??
    program.command("hash").description("see how long making one hash takes here");
  hash
    .command("calibrate")
    .summary("time Argon2id on this machine and in workerd")
    .description("time Argon2id on this machine and in workerd, beside the standards' floors")
    .option("--rounds <n>", "hashes per parameters", wholeNumber, 7)
    .option("--target-ms <n>", "the most one hash may take", wholeNumber, 250)
    .option("--no-workerd", "leave workerd out")
    .option("--json", "as JSON", false)
    .action(async (options: CalibrateOptions) => {
      const { calibrate } = await import("./hash-calibrate/calibrate.ts");
      await calibrate(options);
    });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1 to 999999.");
  return Number(text);
}
