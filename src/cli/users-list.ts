import { type Command, InvalidArgumentError } from "commander";
import { say } from "./say.ts";
import { isAccountId } from "./users/account-id.ts";

interface ListFlags {
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** `gatehouse users list`, below the command `users`. */
export function registerList(users: Command): void {
  users
    .command("list")
    .summary("show accounts, a page at a time")
    .description("show accounts in order of their id, one a line: id, since when, active or disabled, e-mail address")
    .option("--limit <number>", `how many, at most ${MAX_LIMIT}`, parseLimit, DEFAULT_LIMIT)
    .option("--after <id>", "go on after the account with this id", parseId)
    .option("--json", "as JSON")
    .action(runList);
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_LIMIT}.`);
  return limit;
}

function parseId(text: string): string {
  if (!isAccountId(text)) throw new InvalidArgumentError("It must be a UUID.");
  return text;
}

async function runList({ limit, after, json = false }: ListFlags): Promise<void> {
  const [{ listUsers }, { withDatabase }, { printable, printableJson }] = await Promise.all([
    import("../db/account-administration.ts"),
    import("./users/with-database.ts"),
    import("./printable.ts"),
  ]);
  // One more tells whether there is more.
  const found = await withDatabase((db) => listUsers(db, { after: after ?? null, limit: limit + 1 }));
  const users = found.slice(0, limit);
  const next = found.length > limit ? (users.at(-1)?.id ?? null) : null;
  if (json) return say(printableJson({ users, next }));
  for (const { id, createdAt, disabledAt, email } of users)
    say(`${id}  ${createdAt.toISOString()}  ${disabledAt === null ? "active  " : "disabled"}  ${printable(email)}`);
  if (users.length === 0) say(after === undefined ? "no accounts" : "no more accounts");
  // Apart from the list, which may go into a pipe.
  if (next !== null) process.stderr.write(`there are more: gatehouse users list --limit ${limit} --after ${next}\n`);
}
