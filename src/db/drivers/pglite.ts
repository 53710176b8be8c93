import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { DatabaseError } from "../../errors.ts";
import { createDatabase, type OpenDatabase } from "../database.ts";
import { wrapDriverError } from "../query-error.ts";
import type { Driver, DriverQuery, DriverRow } from "./driver.ts";
import { assertRoom, PgliteBackend, SilentBackendError } from "./pglite-backend.ts";
import { acquireFileLock, type FileLock, pgliteLockPath } from "./pglite-lock.ts";
import { PgliteMaintenance } from "./pglite-maintenance.ts";
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
 * Opens the embedded Postgres as its only owner and serves it on a Unix socket in `dataDir`. What it has answered survives the
 * end of the process, however it ends; it does not sync to disk (PGlite cannot), so a power cut may cost the last seconds.
 * Throws `DatabaseError` `DATABASE_UNAVAILABLE`, with a sentence for people, when another process owns it or its folder cannot
 * be written.
 */
export async function openPglite({ dataDir }: OpenPgliteOptions): Promise<OpenPglite> {
  const lock = lockFolder(dataDir);
  try {
    assertRoom(dataDir);
    const folder = join(dataDir, "pglite");
    if (!existsSync(folder)) await initialise(folder);
    return await own(dataDir, await PgliteBackend.open(folder), lock);
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

async function own(dataDir: string, backend: PgliteBackend, lock: FileLock): Promise<OpenPglite> {
  const server = canServePglite(dataDir) ? await servePglite(dataDir, backend) : undefined;
  let ended: Promise<void> | undefined;

  async function end(): Promise<void> {
    await server?.close();
    await backend.close().finally(() => lock.release());
  }

  return {
    db: createDatabase(pgliteDriver(backend)),
    connect: () => connect(backend),
    close() {
      ended ??= end();
      return ended;
    },
  };
}

function pgliteDriver(backend: PgliteBackend): Driver {
  const maintenance = new PgliteMaintenance(backend);
  return {
    async query(query) {
      const { pglite, end } = await (query.reads ? backend.take() : backend.takeToWrite());
      try {
        return await backend.watch(() => sendStatement(pglite, query));
      } finally {
        end();
        if (!query.reads) maintenance.wrote(1);
      }
    },
    async batch(queries) {
      const { pglite, end } = await backend.takeToWrite();
      try {
        return await backend.watch(() =>
          pglite.transaction(async (transaction) => {
            const answers: (readonly DriverRow[])[] = [];
            for (const query of queries) answers.push(await sendStatement(transaction, query));
            return answers;
          }),
        );
      } finally {
        end();
        maintenance.wrote(queries.length);
      }
    },
  };
}

async function connect(backend: PgliteBackend): Promise<SqlConnection> {
  const { pglite, end } = await backend.take();
  return {
    async query(text, params = []) {
      try {
        return (await backend.watch(() => send(pglite, { text, params }))).rows;
      } catch (error) {
        throw wrapDriverError(error);
      }
    },
    close() {
      end();
      return Promise.resolve();
    },
  };
}

type Sender = Pick<PGlite, "query">;
type Sent = Pick<DriverQuery, "text" | "params">;

/** Every statement of the request path answers columns, if not rows. */
async function sendStatement(on: Sender, query: Sent): Promise<readonly DriverRow[]> {
  const { rows, fields } = await send(on, query);
  if (fields.length === 0) throw new SilentBackendError();
  return rows;
}

function send(on: Sender, { text, params }: Sent) {
  return on.query<DriverRow>(text, [...params], { rowMode: "array", parsers: { ...wireParsers } });
}
