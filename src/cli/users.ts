import type { Command } from "commander";
import { registerCreate } from "./users-create.ts";
import { registerImport } from "./users-import.ts";

/** `gatehouse users …`. */
export function register(program: Command): void {
  const users = program.command("users").description("work on accounts");
  registerCreate(users);
  registerImport(users);
}
