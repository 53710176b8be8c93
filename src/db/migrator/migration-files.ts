import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** One file of `drizzle/`, in the form drizzle's own migrator gives it. */
export interface MigrationFile {
  /** The file's name without `.sql`. */
  readonly tag: string;
  /** Milliseconds since the epoch: the migration's identity and order in drizzle's journal table. */
  readonly createdAt: number;
  /** SHA-256 of the file, hexadecimal, as drizzle's journal table keeps it. */
  readonly hash: string;
  readonly statements: readonly string[];
}

interface JournalFile {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
}

const OUR_FOLDER = fileURLToPath(new URL("../../../drizzle", import.meta.url));
const BREAKPOINT = "--> statement-breakpoint";

/** Reads the migrations that drizzle-kit's journal lists, oldest first. */
export async function readMigrationFiles(folder = OUR_FOLDER): Promise<MigrationFile[]> {
  const journal = JSON.parse(await readFile(join(folder, "meta", "_journal.json"), "utf8")) as JournalFile;
  return Promise.all(
    journal.entries.map(async ({ tag, when }) => {
      const text = await readFile(join(folder, `${tag}.sql`), "utf8");
      return {
        tag,
        createdAt: when,
        hash: createHash("sha256").update(text).digest("hex"),
        statements: text.split(BREAKPOINT).filter((statement) => statement.trim() !== ""),
      };
    }),
  );
}
