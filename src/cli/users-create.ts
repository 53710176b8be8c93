import { type Command, InvalidArgumentError } from "commander";

/** `gatehouse users create EMAIL`, below the command `users`. */
export function registerCreate(users: Command): void {
  users
    .command("create")
    .summary("make an account, also where registration is closed")
    .description("make an account, also where registration is closed; the password is asked for, or read from a pipe")
    .argument("<email>", "its e-mail address", parseText)
    .action(runCreate);
}

function parseText(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

async function runCreate(typedAddress: string): Promise<void> {
  const [
    { emailAddress },
    { createAccount },
    { readSettings },
    { createNodeHasher },
    { openCommandDatabase },
    { askPassword },
  ] = await Promise.all([
    import("../auth/email-address.ts"),
    import("../auth/create-account.ts"),
    import("../runtimes/config.ts"),
    import("../runtimes/node/hasher.ts"),
    import("./command-database.ts"),
    import("./ask-password.ts"),
  ]);
  const email = emailAddress.safeParse(typedAddress);
  if (!email.success) throw new Error(email.error.issues[0]?.message ?? "This is not an e-mail address.");
  const settings = readSettings(process.env, "http://127.0.0.1:8787");
  const password = await askPassword();
  const database = await openCommandDatabase(process.env);
  const hasher = createNodeHasher(settings.hasher);
  try {
    const user = await createAccount(
      {
        db: database.db,
        hasher,
        now: () => new Date(),
        randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        passwordMinLength: settings.passwordMinLength,
      },
      { email: email.data, password },
    );
    process.stdout.write(`created ${user.email} ${user.id}\n`);
  } finally {
    await hasher.close();
    await database.close();
  }
}
