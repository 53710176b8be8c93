import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { DatabaseError } from "../../errors.ts";
import { createDatabase, type OpenDatabase } from "../database.ts";
import { wrapDriverError } from "../query-error.ts";
import type { Driver, DriverQuery, DriverRow } from "./driver.ts";
import { ExclusiveTurns } from "./exclusive-turns.ts";
import { acquireFileLock, type FileLock, pgliteLockPath } from "./pglite-lock.ts";
import { canServePglite, servePglite } from "./pglite-server.ts";
import type { SqlConnection } from "./sql-connection.ts";
import { wireParsers } from "./wire-types.ts";

export interface OpenPgliteOptions {
  /** `DATA_DIR`: holds the database's folder `pglite`, its lock `pglite.lock` and its socket. Made when missing, but not its parent. */
  readonly dataDir: string;
}

export interface OpenPglite extends OpenDatabase {
  /** The database for itself, until closed: requests wait meanwhile. */
  connect(): Promise<SqlConnection>;
}

/**
 * Opens the embedded Postgres as its only owner and serves it on a Unix socket in `dataDir`. Throws `DatabaseError` `DATABASE_UNAVAILABLE`, with a sentence for people,
 * when another process owns it or its folder cannot be written.
 */
export async function openPglite({ dataDir }: OpenPgliteOptions): Promise<OpenPglite> {
  const lock = lockFolder(dataDir);
  try {
    const folder = join(dataDir, "pglite");
    if (!existsSync(folder)) await initialise(folder);
    return await own(dataDir, await PGlite.create(folder), lock);
  } catch (error) {
    lock.release();
    throw wrapDriverError(error);
  }
}

function lockFolder(dataDir: string): FileLock {
  try {
    // Not `recursive`, which never returns below /proc: it wants a parent that is there.
    if (!existsSync(dataDir)) mkdirSync(dataDir, { mode: 0o700 });
    return acquireFileLock(pgliteLockPath(dataDir));
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new DatabaseError("DATABASE_UNAVAILABLE", `the database's folder ${dataDir} cannot be written (${code})`, {
      cause: error,
    });
  }
}

/** Makes the database beside its place and moves it there when it is whole: a kill meanwhile leaves nothing half made. */
async function initialise(folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  await (await PGlite.create(unfinished)).close();
  renameSync(unfinished, folder);
}

async function own(dataDir: string, pglite: PGlite, lock: FileLock): Promise<OpenPglite> {
  const turns = new ExclusiveTurns();
  const server = canServePglite(dataDir) ? await servePglite(dataDir, pglite, { turns }) : undefined;
  let ended: Promise<void> | undefined;

  async function end(): Promise<void> {
    await server?.close();
    const endTurn = await turns.take();
    await pglite.close().finally(() => {
      endTurn();
      lock.release();
    });
  }

  return {
    db: createDatabase(pgliteDriver(pglite, turns)),
    connect: () => connect(pglite, turns),
    close() {
      ended ??= end();
      return ended;
    },
  };
}

function pgliteDriver(pglite: PGlite, turns: ExclusiveTurns): Driver {
  return {
    async query(query) {
      const endTurn = await turns.take();
      try {
        return await send(pglite, query);
      } finally {
        endTurn();
      }
    },
    async batch(queries) {
      const endTurn = await turns.take();
      try {
        return await pglite.transaction(async (transaction) => {
          const answers: (readonly DriverRow[])[] = [];
          for (const query of queries) answers.push(await send(transaction, query));
          return answers;
        });
      } finally {
        endTurn();
      }
    },
  };
}

async function connect(pglite: PGlite, turns: ExclusiveTurns): Promise<SqlConnection> {
  const endTurn = await turns.take();
  return {
    async query(text, params = []) {
      try {
        return await send(pglite, { text, params });
      } catch (error) {
        throw wrapDriverError(error);
      }
    },
    close() {
      endTurn();
      return Promise.resolve();
    },
  };
}

async function send(
  on: Pick<PGlite, "query">,
  { text, params }: Pick<DriverQuery, "text" | "params">,
): Promise<readonly DriverRow[]> {
  const { rows } = await on.query<DriverRow>(text, [...params], { rowMode: "array", parsers: { ...wireParsers } });
  return rows;
}
