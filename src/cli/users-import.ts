import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { say } from "./say.ts";
import { describeBadLines } from "./users-import/describe-bad-lines.ts";
import type { BadLine, ImportFormat } from "./users-import/read-records.ts";
import type { ImportedUser, ValidateOptions } from "./users-import/validate.ts";

interface ImportFlags {
  readonly format?: ImportFormat;
  readonly algorithm?: "sha256" | "sha384" | "sha512";
  readonly order?: "salt-password" | "password-salt";
  readonly digestEncoding: "hex" | "base64";
  readonly saltEncoding: "utf8" | "hex" | "base64";
  readonly skipExisting?: boolean;
  readonly dryRun?: boolean;
}

/** `gatehouse users import FILE`, below the command `users`. */
export function registerImport(users: Command): void {
  users
    .command("import")
    .summary("add accounts from a file: all of them or none")
    .description("add accounts from elsewhere: all of the file, or nothing")
    .argument(
      "<file>",
      "CSV with a header, or JSON lines: email, password_hash, and if known salt, id, created_at, email_verified_at",
    )
    .addOption(
      new Option("--format <name>", "csv or jsonl; told by the file's name otherwise").choices(["csv", "jsonl"]),
    )
    .addOption(new Option("--algorithm <name>", "of digests with a salt").choices(["sha256", "sha384", "sha512"]))
    .addOption(new Option("--order <order>", "of what was digested").choices(["salt-password", "password-salt"]))
    .addOption(new Option("--digest-encoding <name>", "of these digests").choices(["hex", "base64"]).default("hex"))
    .addOption(
      new Option("--salt-encoding <name>", "utf8: the salt's text itself")
        .choices(["utf8", "hex", "base64"])
        .default("utf8"),
    )
    .option("--skip-existing", "leave out accounts whose address or id is there already")
    .option("--dry-run", "only check the file")
    .action(runImport);
}

async function runImport(file: string, flags: ImportFlags): Promise<void> {
  const [{ readRecords }, { validateRecords }] = await Promise.all([
    import("./users-import/read-records.ts"),
    import("./users-import/validate.ts"),
  ]);
  const read = readRecords(await readText(file), flags.format ?? (/\.(jsonl|ndjson)$/i.test(file) ? "jsonl" : "csv"));
  const { users, bad } = validateRecords(read.records, await validateOptions(flags));
  const [{ onConnection, openCommandDatabase }, { findTaken, storeUsers }, { startProgress }] = await Promise.all([
    import("./command-database.ts"),
    import("./users-import/store.ts"),
    import("./progress.ts"),
  ]);
  await onConnection(await openCommandDatabase(process.env), async (connection) => {
    const taken = await findTaken(connection, users);
    refuse([...read.bad, ...bad, ...(flags.skipExisting ? [] : taken)]);
    const takenLines = new Set(taken.map(({ line }) => line));
    const wanted = users.filter(({ line }) => !takenLines.has(line));
    if (flags.dryRun) return say(`${wanted.length} accounts can be imported${skipped(taken)}`);
    const progress = startProgress({ title: "importing", total: wanted.length, unit: "accounts" });
    refuse(await storeUsers(connection, wanted, progress.advance).finally(progress.end));
    say(`${wanted.length} accounts imported${skipped(taken)}`);
    sayWhatIsLeft(wanted);
  });
}

async function readText(file: string): Promise<string> {
  try {
    // Strict: a file in another encoding must not lose characters on the way.
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Error(
      code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? `${file} is not UTF-8` : `${file} cannot be read (${code})`,
      {
        cause: error,
      },
    );
  }
}

async function validateOptions(flags: ImportFlags): Promise<ValidateOptions> {
  const { readSettings } = await import("../runtimes/config.ts");
  const { algorithm, order, digestEncoding, saltEncoding } = flags;
  if ((algorithm === undefined) !== (order === undefined)) throw new Error("--algorithm and --order go together");
  const peppers = readSettings(process.env, "http://127.0.0.1").hasher.peppers;
  return {
    scheme:
      algorithm === undefined
        ? undefined
        : {
            algorithm,
            order: order === "salt-password" ? "salt-first" : "password-first",
            digestEncoding,
            saltEncoding,
          },
    knowsPepper: (keyId) => peppers?.byKeyId.has(keyId) === true,
    now: new Date(),
  };
}

function refuse(bad: readonly BadLine[]): void {
  if (bad.length === 0) return;
  for (const line of describeBadLines(bad)) say(line);
  throw new Error(`${bad.length} lines cannot be imported, so nothing was`);
}

function skipped(taken: readonly BadLine[]): string {
  return taken.length === 0 ? "" : `, ${taken.length} were there already`;
}

function sayWhatIsLeft(users: readonly ImportedUser[]): void {
  if (users.some(({ passwordHash }) => passwordHash.startsWith("$legacy-"))) {
    say("some have fast hashes: gatehouse hashes wrap puts Argon2id around them");
  }
}
