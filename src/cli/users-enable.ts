import type { Command } from "commander";
import { say } from "./say.ts";

/** `gatehouse users enable WHO`, below the command `users`. */
export function registerEnable(users: Command): void {
  users
    .command("enable")
    .summary("let people log in with an account again")
    .description("let people log in again with an account that was disabled; its old sessions stay ended")
    .argument("<who>", "its e-mail address or its id")
    .action(runEnable);
}

async function runEnable(who: string): Promise<void> {
  const [{ findAccount }, { enableUser }, { withDatabase }, { printable }] = await Promise.all([
    import("./users/find-account.ts"),
    import("../db/account-administration.ts"),
    import("./users/with-database.ts"),
    import("./printable.ts"),
  ]);
  const { user, changed } = await withDatabase(async (db) => {
    const { user } = await findAccount(db, who);
    return { user, changed: await enableUser(db, { id: user.id }) };
  });
  say(`${printable(user.email)} ${changed ? "is enabled" : "was not disabled"}`);
}
