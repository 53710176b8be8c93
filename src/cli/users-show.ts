import type { Command } from "commander";
import { say } from "./say.ts";

/** `gatehouse users show WHO`, below the command `users`. */
export function registerShow(users: Command): void {
  users
    .command("show")
    .summary("show one account and its sessions")
    .description(
      "show one account: since when it is there, whether it is disabled, its sessions, and how its password is stored",
    )
    .argument("<who>", "its e-mail address or its id")
    .option("--json", "as JSON")
    .action(runShow);
}

async function runShow(who: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  const [{ findAccount }, { countUserSessions }, { storedForm }, { withDatabase }, { printable, printableJson }] =
    await Promise.all([
      import("./users/find-account.ts"),
      import("../db/account-administration.ts"),
      import("./users/stored-form.ts"),
      import("./users/with-database.ts"),
      import("./printable.ts"),
    ]);
  const account = await withDatabase(async (db) => {
    const found = await findAccount(db, who);
    const used = await countUserSessions(db, { userId: found.user.id, now: new Date() });
    return { ...found.user, ...used, password: storedForm(found) };
  });
  if (json) return say(printableJson(account));
  const { id, email, createdAt, emailVerifiedAt, disabledAt, sessions, lastSeenAt, password } = account;
  say(`id        ${id}`);
  say(`address   ${printable(email)}`);
  say(`created   ${createdAt.toISOString()}`);
  say(`verified  ${emailVerifiedAt?.toISOString() ?? "no"}`);
  say(`disabled  ${disabledAt?.toISOString() ?? "no"}`);
  say(
    `sessions  ${sessions}${lastSeenAt === null ? "" : `, last used ${lastSeenAt.toISOString()} or within the hour after`}`,
  );
  say(`password  ${password}`);
}
