import type { Command } from "commander";
import { registerCreate } from "./users-create.ts";
import { registerDisable } from "./users-disable.ts";
import { registerEnable } from "./users-enable.ts";
import { registerImport } from "./users-import.ts";
import { registerList } from "./users-list.ts";
import { registerShow } from "./users-show.ts";

/** `gatehouse users ...`. */
export function register(program: Command): void {
  const users = program.command("users").description("see, make, import, disable and enable accounts");
  registerList(users);
  registerShow(users);
  registerCreate(users);
  registerImport(users);
  registerDisable(users);
  registerEnable(users);
}
