import { resolve } from "node:path";
import { WebSocket } from "undici";
import { normalAddress } from "../auth/email-address.ts";
import { notMigrated, type OpenDatabase } from "../db/database.ts";
import { chooseDriver } from "../db/drivers/choose-driver.ts";
import { connectNeon, openNeon } from "../db/drivers/neon.ts";
import type { SqlConnection } from "../db/drivers/sql-connection.ts";
import { connectTcp, openTcp } from "../db/drivers/tcp.ts";
import { migrateAtStart } from "../db/migrator/migrate.ts";
import { DatabaseError } from "../errors.ts";
import { openAsOwner, openAsOwnerOrThrough } from "./embedded-database.ts";
import { prepareDataDir } from "./set-up/data-dir.mjs";

/** The settings that say which database a command works on: `DATABASE_URL`, `DATABASE_DRIVER`, `DATA_DIR`, `NEON_LOCAL_ADDRESS`. */
export type DatabaseEnvironment = Readonly<Record<string, string | undefined>>;

/** A database as commands use it: the request path's type, and connections of one's own. */
export interface CommandDatabase extends OpenDatabase {
  connect(): Promise<SqlConnection>;
}

/**
 * Opens the database for a command such as `users list`, up to date if it is the embedded one. While `gatehouse up` or
 * `npm start` own that, the command goes through the owner's socket. Throws `RangeError` for settings that cannot be,
 * `DatabaseError` or `MigrationError` for the rest.
 */
export async function openCommandDatabase(env: DatabaseEnvironment): Promise<CommandDatabase> {
  return isEmbedded(env)
    ? openAsOwnerOrThrough({
        dataDir: preparedDataDir(env),
        prepare: (target) => migrateAtStart(target, { normalAddress }),
      })
    : openServer(env);
}

/** The same without bringing it up to date. */
export async function openAsItIs(env: DatabaseEnvironment): Promise<CommandDatabase> {
  return isEmbedded(env) ? openAsOwnerOrThrough({ dataDir: preparedDataDir(env) }) : openServer(env);
}

/** Opens the database to migrate it: the embedded one as its only owner, or not at all. Throws like `openCommandDatabase`. */
export async function openForMigration(env: DatabaseEnvironment): Promise<CommandDatabase> {
  return isEmbedded(env) ? openAsOwner({ dataDir: preparedDataDir(env) }) : openServer(env);
}

/**
 * Does `work` on a connection of its own, then closes connection and database. What `work` throws is passed on; where a table of ours is
 * missing, it becomes the sentence that names `gatehouse db migrate`.
 */
export async function onConnection<T>(
  database: CommandDatabase,
  work: (connection: SqlConnection) => Promise<T>,
): Promise<T> {
  try {
    const connection = await database.connect();
    return await work(connection).finally(() => connection.close());
  } catch (error) {
    throw error instanceof DatabaseError ? notMigrated(error) : error;
  } finally {
    await database.close();
  }
}

function isEmbedded(env: DatabaseEnvironment): boolean {
  return chooseDriver(env.DATABASE_URL, env.DATABASE_DRIVER) === "pglite";
}

function preparedDataDir(env: DatabaseEnvironment): string {
  const dataDir = resolve(env.DATA_DIR || ".data");
  prepareDataDir(dataDir);
  return dataDir;
}

function openServer(env: DatabaseEnvironment): CommandDatabase {
  const url = env.DATABASE_URL ?? "";
  if (chooseDriver(url, env.DATABASE_DRIVER) === "tcp") {
    return { ...openTcp({ url }), connect: () => connectTcp({ url }) };
  }
  // Always the WebSocket: commands want sessions, locks and transactions, which Neon over HTTP does not have.
  const address = env.NEON_LOCAL_ADDRESS;
  const options = {
    url,
    local: address === undefined || address === "" ? undefined : { address },
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
  };
  return { ...openNeon({ ...options, mode: "ws" }), connect: () => connectNeon(options) };
}
