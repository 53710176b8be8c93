import { resolve } from "node:path";
import { defineConfig } from "drizzle-kit";
import { prepareDataDir } from "./src/cli/set-up/data-dir.mjs";
import { acquireFileLock, pgliteLockPath } from "./src/db/drivers/pglite-lock.ts";

const { DATABASE_URL: url, DATA_DIR = ".data" } = process.env;

/** Commands that only read and write files. */
const OFFLINE = ["generate", "check", "export", "up", "drop"];

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/db/schema.ts",
  out: "./drizzle",
  // In a session, strict mode asks before every statement; without a terminal it applies none that could lose data.
  strict: process.stdin.isTTY === true,
  ...(url ? { dbCredentials: { url } } : embedded()),
});

/** The embedded database's folder, as its only owner until drizzle-kit ends: two at once lose rows without an error. */
function embedded() {
  const dataDir = resolve(DATA_DIR);
  if (!OFFLINE.some((command) => process.argv.includes(command))) {
    prepareDataDir(dataDir);
    acquireFileLock(pgliteLockPath(dataDir));
  }
  return { driver: "pglite" as const, dbCredentials: { url: resolve(dataDir, "pglite") } };
}
