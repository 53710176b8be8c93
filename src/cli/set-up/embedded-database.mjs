import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inCheckout, root } from "./checkout.mjs";
import { explainFailure } from "./explain-failure.mjs";
import { Failure, fileFailure } from "./failure.mjs";
import { freeBytes, MIB } from "./free-bytes.mjs";
import { programArgs } from "./programs.mjs";
import { runTool } from "./run-tool.mjs";

/** What a new database takes on disk (39 MiB, measured) with room for its log. */
const DATABASE_BYTES = 64 * MIB;
const MIGRATION_BYTES = 4 * MIB;
const MIGRATE_TIMEOUT_MS = 2 * 60_000;

/**
 * The step that makes the embedded database and brings its tables up to date, in a process of its own: making one takes
 * 850 MB, which the edge would keep, opening a finished one 350 MB.
 *
 * @param {{ dataDir: string; signal: AbortSignal }} options
 * @returns {import("./progress.mjs").Step}
 */
export function embeddedDatabase({ dataDir, signal }) {
  const stamp = join(dataDir, "migrations-stamp");
  return {
    title: "Embedded database",
    run: async ({ doing }) => {
      const migrations = hashOfMigrations();
      const made = existsSync(join(dataDir, "pglite", "PG_VERSION"));
      if (made && existsSync(stamp) && readFileSync(stamp, "utf8") === migrations) return "up to date";
      if (freeBytes(dataDir) < (made ? MIGRATION_BYTES : DATABASE_BYTES)) throw diskFull(dataDir);
      doing(made ? "migrating the tables" : "making the database");
      await migrate({ dataDir, signal });
      try {
        writeFileSync(stamp, migrations);
      } catch (error) {
        throw fileFailure(error, `DATA_DIR (${dataDir})`);
      }
      return "done";
    },
  };
}

/** @param {string} dataDir */
function diskFull(dataDir) {
  return new Failure(
    `The disk is full: the embedded database in DATA_DIR (${dataDir}) needs ${DATABASE_BYTES / MIB} MiB. Free some space and try again.`,
  );
}

/** The SHA-256 of everything in drizzle/ that a migration runs on. */
function hashOfMigrations() {
  const hash = createHash("sha256");
  const files = readdirSync(inCheckout("drizzle")).filter((name) => name.endsWith(".sql"));
  for (const name of files.sort()) hash.update(name).update(readFileSync(inCheckout("drizzle", name)));
  return hash.update(readFileSync(inCheckout("drizzle", "meta", "_journal.json"))).digest("hex");
}

/** @param {{ dataDir: string; signal: AbortSignal }} options */
async function migrate({ dataDir, signal }) {
  const args = [...programArgs("gatehouse"), "db", "migrate"];
  const env = { ...process.env, DATA_DIR: dataDir, DATABASE_URL: "", DATABASE_DRIVER: "" };
  const { ok, output } = await runTool(process.execPath, args, {
    cwd: root,
    env,
    timeoutMs: MIGRATE_TIMEOUT_MS,
    signal,
  });
  if (ok) return;
  if (freeBytes(dataDir) < MIGRATION_BYTES) throw diskFull(dataDir);
  const sentence = /^gatehouse: (.+)$/m.exec(output)?.[1];
  if (sentence) throw new Failure(sentence);
  throw explainFailure("The embedded database cannot be made", output);
}
