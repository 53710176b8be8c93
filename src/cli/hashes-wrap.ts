import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { SqlConnection } from "../db/drivers/sql-connection.ts";
import {
  ALGORITHMS,
  DIGEST_ENCODINGS,
  type LegacyScheme,
  ORDER_WORDS,
  type OrderWord,
  oneOf,
  orderOf,
  parseCount,
  SALT_ENCODINGS,
} from "./hashes/scheme.ts";
import type { WrapReport } from "./hashes/wrap.ts";
import { say } from "./say.ts";

interface WrapFlags extends Required<Omit<LegacyScheme, "order">> {
  readonly order: OrderWord;
  readonly batchSize: number;
  readonly dryRun?: boolean;
  readonly disableUnwrappable?: boolean;
  readonly retryDisabled?: boolean;
}

/** `gatehouse hashes wrap`, below the command `hashes`. */
export function registerWrap(hashes: Command): void {
  hashes
    .command("wrap")
    .summary("put Argon2id around every hash of the old table")
    .description("put Argon2id around every hash of the old table; safe to interrupt and to repeat")
    .addOption(oneOf("--algorithm <name>", "of the old digests", ALGORITHMS).makeOptionMandatory())
    .addOption(oneOf("--order <order>", "of what was digested", ORDER_WORDS).makeOptionMandatory())
    .addOption(oneOf("--digest-encoding <name>", "of the old digests", DIGEST_ENCODINGS).default("hex"))
    .addOption(oneOf("--salt-encoding <name>", "utf8: the salt's text itself", SALT_ENCODINGS).default("utf8"))
    .option("--iterations <number>", "how often the digest was taken", parseCount, 1)
    .option("--batch-size <number>", "rows written together", parseCount, 64)
    .option("--dry-run", "only see whether every row can be wrapped")
    .option("--disable-unwrappable", "mark what cannot be wrapped, so that db migrate can go on; nothing is lost")
    .option("--retry-disabled", "try what was marked so once more, with the options given now")
    .action(runWrap);
}

async function runWrap(flags: WrapFlags): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const { withRoomyConnection } = await import("./hashes/connection.ts");
  const report = await withRoomyConnection((connection) => wrap(flags, connection, stop.signal));
  if (report === undefined) return say("nothing to wrap: no account has a legacy hash");
  for (const line of describe(report, flags)) say(line);
  if (stop.signal.aborted) throw new Error("interrupted: run the same command again to go on");
  if (report.refused > 0)
    throw new Error(`${report.refused} accounts ${flags.dryRun ? "cannot" : "could not"} be wrapped`);
}

async function wrap(flags: WrapFlags, connection: SqlConnection, signal: AbortSignal): Promise<WrapReport | undefined> {
  const { algorithm, order, digestEncoding, saltEncoding, iterations, dryRun = false, ...options } = flags;
  const [{ countHashes }, { startProgress }, { wrapLegacyHashes }] = await Promise.all([
    import("../db/stored-hashes.ts"),
    import("./progress.ts"),
    import("./hashes/wrap.ts"),
  ]);
  const total = await countHashes(connection, options.retryDisabled ? "legacy or set-aside" : "legacy");
  if (total === 0) return undefined;
  const hasher = await createHasher(options.batchSize);
  const progress = startProgress({ title: dryRun ? "checking" : "wrapping", total, unit: "accounts" });
  try {
    return await wrapLegacyHashes({
      ...options,
      connection,
      wrap: (legacy) => hasher.wrap(legacy),
      scheme: { algorithm, order: orderOf(order), digestEncoding, saltEncoding, iterations },
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

function describe(report: WrapReport, { dryRun = false, disableUnwrappable = false }: WrapFlags): string[] {
  const { wrapped, changedMeanwhile, refused, disabled, refusals, fitting } = report;
  const counts = [
    `${wrapped} ${dryRun ? "can be wrapped" : "wrapped"}`,
    ...(changedMeanwhile > 0 ? [`${changedMeanwhile} changed meanwhile and left alone`] : []),
    ...(disabled > 0 ? [`${disabled} ${dryRun ? "would be marked" : "marked"} as beyond wrapping`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ];
  const unnamed = refused + disabled - refusals.length;
  const fits = [...fitting.values()].reduce((sum, count) => sum + count, 0);
  return [
    counts.join(", "),
    ...refusals.map(({ id, reason }) => `account ${id}: ${reason}`),
    ...(unnamed > 0 ? [`and ${unnamed} more`] : []),
    ...[...fitting].map(
      ([algorithm, count]) => `${count} have the length of ${algorithm}: wrap them with --algorithm ${algorithm}`,
    ),
    ...(refused > fits && !disableUnwrappable ? [WAY_ON] : []),
    ...(disabled > 0 && !dryRun ? [MARKED] : []),
    ...(wrapped > 0 ? [dryRun ? NOT_CHECKED : MAKE_SURE] : []),
  ];
}

const WAY_ON =
  "If the options are right, nobody can log in with these: --disable-unwrappable marks them, so that db migrate can go on. The old\n" +
  "hash stays in the mark (--retry-disabled reads it again), and gatehouse hashes reset <address or id> gives an account a new password.";

const MARKED =
  "Nobody can log in with these until gatehouse hashes reset <address or id> gives the account a new password.";

const NOT_CHECKED =
  "This looked at lengths and letters only. Whether order and encodings are right, one known password tells:\n" +
  "gatehouse hashes check <address>";

const MAKE_SURE = "Whether order and encodings were right, one known password tells: gatehouse hashes check <address>";
