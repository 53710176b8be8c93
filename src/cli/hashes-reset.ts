import type { Command } from "commander";
import { say } from "./say.ts";

/** `gatehouse hashes reset WHO`, below the command `hashes`. */
export function registerReset(hashes: Command): void {
  hashes
    .command("reset")
    .summary("give an account a new password, and end its sessions")
    .description("give an account a new password, asked for or read from a pipe, and end its sessions")
    .argument("<who>", "its e-mail address or its id")
    .action(runReset);
}

async function runReset(who: string): Promise<void> {
  const [
    { withRoomyConnection },
    { findHash, resetHash },
    { normalAddress },
    { checkNewPassword },
    { readSettings },
    { createNodeHasher },
    { askPassword },
  ] = await Promise.all([
    import("./hashes/connection.ts"),
    import("../db/stored-hashes.ts"),
    import("../auth/email-address.ts"),
    import("../auth/password-policy.ts"),
    import("../runtimes/config.ts"),
    import("../runtimes/node/hasher.ts"),
    import("./ask-password.ts"),
  ]);
  const settings = readSettings(process.env, "http://127.0.0.1");
  const password = await askPassword();
  checkNewPassword(password, { minLength: settings.passwordMinLength });
  const hasher = createNodeHasher(settings.hasher);
  try {
    await withRoomyConnection(async (connection) => {
      const account = await findHash(connection, { typed: who, normal: normalAddress(who) });
      if (account === undefined) throw new Error("there is no account with this address or id");
      await resetHash(connection, { id: account.id, newHash: await hasher.hash(password) });
      say(`account ${account.id} has a new password, and no session`);
    });
  } finally {
    await hasher.close();
  }
}
