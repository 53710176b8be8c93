import type { Command } from "commander";
import { registerImport } from "./users-import.ts";

/** `gatehouse users …`. */
export function register(program: Command): void {
  const users = program.command("users").description("work on accounts");
  registerImport(users);
}
