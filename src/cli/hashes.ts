import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { SqlConnection } from "../db/drivers/sql-connection.ts";
import type { LegacyScheme, WrapReport } from "./hashes/wrap.ts";

interface WrapFlags {
  readonly algorithm: LegacyScheme["algorithm"];
  readonly order: "salt-password" | "password-salt";
  readonly digestEncoding: LegacyScheme["digestEncoding"];
  readonly saltEncoding: LegacyScheme["saltEncoding"];
  readonly iterations: number;
  readonly batchSize: number;
  readonly dryRun?: boolean;
}

/** `gatehouse hashes report|wrap`. */
export function register(program: Command): void {
  const hashes = program.command("hashes").description("see how passwords are stored, and leave fast hashes behind");
  hashes
    .command("report")
    .description("count accounts by the kind and the parameters of their hash")
    .option("--json", "as JSON")
    .action(runReport);
  hashes
    .command("wrap")
    .description("put Argon2id around every hash of the old table; safe to interrupt and to repeat")
    .addOption(oneOf("--algorithm <name>", "of the old digests", ["sha256", "sha384", "sha512"]).makeOptionMandatory())
    .addOption(
      oneOf("--order <order>", "of what was digested", ["salt-password", "password-salt"]).makeOptionMandatory(),
    )
    .addOption(oneOf("--digest-encoding <name>", "of the old digests", ["hex", "base64"]).default("hex"))
    .addOption(
      oneOf("--salt-encoding <name>", "utf8: the salt's text itself", ["utf8", "hex", "base64"]).default("utf8"),
    )
    .option("--iterations <number>", "how often the digest was taken", parseCount, 1)
    .option("--batch-size <number>", "rows written together", parseCount, 64)
    .option("--dry-run", "only see whether every row can be wrapped")
    .action(runWrap);
}

function oneOf(flags: string, description: string, choices: string[]): Option {
  return new Option(flags, description).choices(choices);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}

async function runReport({ json = false }: { readonly json?: boolean }): Promise<void> {
  const { countSchemes } = await import("../db/legacy-hashes.ts");
  const schemes = await withConnection(countSchemes);
  if (json) return say(JSON.stringify(schemes, null, 2));
  if (schemes.length === 0) return say("no accounts");
  for (const { scheme, accounts } of schemes) say(`${String(accounts).padStart(9)}  ${scheme}`);
}

/** Usually all have the same reason, a wrong option. */
const REFUSALS_SHOWN = 20;

async function runWrap(flags: WrapFlags): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const report = await withConnection((connection) => wrap(flags, connection, stop.signal));
  say(summary(report, flags.dryRun === true));
  for (const { id, reason } of report.refused.slice(0, REFUSALS_SHOWN)) say(`account ${id}: ${reason}`);
  if (stop.signal.aborted) throw new Error("interrupted: run the same command again to go on");
  if (report.refused.length > 0) throw new Error(`${report.refused.length} accounts could not be wrapped`);
}

async function wrap(flags: WrapFlags, connection: SqlConnection, signal: AbortSignal): Promise<WrapReport> {
  const { algorithm, order, digestEncoding, saltEncoding, iterations, batchSize, dryRun = false } = flags;
  const [{ countLegacyRows, hasRoomForWrappedHashes }, { startProgress }, { wrapLegacyHashes }] = await Promise.all([
    import("../db/legacy-hashes.ts"),
    import("./progress.ts"),
    import("./hashes/wrap.ts"),
  ]);
  if (!(await hasRoomForWrappedHashes(connection))) {
    throw new Error("the table has no room for wrapped hashes yet: run gatehouse db migrate first");
  }
  const hasher = await createHasher(batchSize);
  const total = await countLegacyRows(connection);
  const progress = startProgress({ title: dryRun ? "checking" : "wrapping", total, unit: "accounts" });
  try {
    return await wrapLegacyHashes({
      connection,
      wrap: (legacy) => hasher.wrap(legacy),
      scheme: {
        algorithm,
        order: order === "salt-password" ? "salt-first" : "password-first",
        digestEncoding,
        saltEncoding,
        iterations,
      },
      batchSize,
      dryRun,
      signal,
      onBatch: (rows) => progress.advance(rows),
    });
  } finally {
    progress.end();
    await hasher.close();
  }
}

/** A batch waits its turn on all cores; only a batch that stalls altogether is given up. */
const BATCH_TIMEOUT_MS = 600_000;

async function createHasher(batchSize: number) {
  const [{ createNodeHasher }, { readSettings }] = await Promise.all([
    import("../runtimes/node/hasher.ts"),
    import("../runtimes/config.ts"),
  ]);
  const { hasher } = readSettings(process.env, "http://127.0.0.1");
  return createNodeHasher({
    ...hasher,
    threads: availableParallelism(),
    maxWaiting: batchSize,
    maxWaitMs: BATCH_TIMEOUT_MS,
  });
}

function summary({ wrapped, changedMeanwhile, refused }: WrapReport, dryRun: boolean): string {
  return [
    `${wrapped} ${dryRun ? "can be wrapped" : "wrapped"}`,
    ...(changedMeanwhile > 0 ? [`${changedMeanwhile} changed meanwhile and left alone`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
  ].join(", ");
}

async function withConnection<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
  const { onConnection, openAsItIs } = await import("./command-database.ts");
  return onConnection(await openAsItIs(process.env), work);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
