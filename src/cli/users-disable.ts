import type { Command } from "commander";
import { ACCESS_TOKEN_TTL_SECONDS, CLOCK_TOLERANCE_SECONDS } from "../contract/access-token.ts";
import { say } from "./say.ts";

/** The most that a token for the daemon, which nothing takes back, outlives its session. Seconds. */
const TOKENS_END_WITHIN_SECONDS = ACCESS_TOKEN_TTL_SECONDS + CLOCK_TOLERANCE_SECONDS;

/** `gatehouse users disable WHO`, below the command `users`. */
export function registerDisable(users: Command): void {
  users
    .command("disable")
    .summary("end the sessions and log-ins of an account")
    .description("let nobody log in with an account any more, and end its sessions at once")
    .argument("<who>", "its e-mail address or its id")
    .action(runDisable);
}

async function runDisable(who: string): Promise<void> {
  const [{ findAccount }, { disableUser }, { withDatabase }, { printable }] = await Promise.all([
    import("./users/find-account.ts"),
    import("../db/account-administration.ts"),
    import("./users/with-database.ts"),
    import("./printable.ts"),
  ]);
  const { user, changed, ended } = await withDatabase(async (db) => {
    const { user } = await findAccount(db, who);
    return { user, ...(await disableUser(db, { id: user.id, now: new Date() })) };
  });
  say(`${printable(user.email)} ${changed ? "is disabled" : "was disabled already"}; sessions ended: ${ended}`);
  if (changed) say(`a token for the daemon that it was given ends within ${TOKENS_END_WITHIN_SECONDS} s`);
}
