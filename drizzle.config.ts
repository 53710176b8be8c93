import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "drizzle-kit";
import { prepareDataDir } from "./src/cli/set-up/data-dir.mjs";
import { acquireFileLock, pgliteLockPath } from "./src/db/drivers/pglite/lock.ts";

const { DATABASE_URL: url, DATA_DIR = ".data" } = process.env;

/** Commands that only read and write files. */
const OFFLINE = ["generate", "check", "export", "up", "drop"];

if (process.argv.includes("push")) checkBeforePush();

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
    lock(dataDir);
  }
  return { driver: "pglite" as const, dbCredentials: { url: resolve(dataDir, "pglite") } };
}

/** drizzle-kit would print the stack of an error before its sentence, so this says it and ends. */
function lock(dataDir: string): void {
  try {
    acquireFileLock(pgliteLockPath(dataDir));
  } catch (error) {
    process.stderr.write(`gatehouse: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

/** In a program of its own: drizzle-kit reads this file without waiting for anything. */
function checkBeforePush(): void {
  if (!url && !existsSync(resolve(DATA_DIR, "pglite"))) return;
  const check = ["--import", "tsx", "src/cli/check-before-push.ts"];
  const { status } = spawnSync(process.execPath, check, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) process.exit(1);
}
