import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "../../../errors.ts";
import { createDatabase, type OpenDatabase } from "../../database.ts";
import type { Driver } from "../driver.ts";
import type { SqlConnection } from "../sql-connection.ts";
import { connectTcp, openTcpDriver } from "../tcp.ts";
import { assertRoom } from "./backend.ts";
import { OWNER } from "./client.ts";
import { lockDataFolder } from "./data-folder.ts";
import { type KeepPgliteOptions, PgliteKeeper } from "./keeper.ts";
import { acquireFileLock, type FileLock, pgliteLockPath } from "./lock.ts";
import { removeLeftSocket, removeSocket, socketFolderFor, socketUrl } from "./socket.ts";

export interface OpenPgliteOptions extends Pick<KeepPgliteOptions, "program" | "onChange"> {
  /** `DATA_DIR`: holds the database's folder `pglite`, its lock `pglite.lock` and its socket. Made when missing, but not its parent. */
  readonly dataDir: string;
  /** Brings the database up to date before other processes are told where to connect. */
  readonly prepare?: (database: Pick<OpenPglite, "connect">) => Promise<unknown>;
  /** Tells nobody where the socket is: others wait until the owner has ended. */
  readonly alone?: boolean;
}

export interface OpenPglite extends OpenDatabase {
  /** A connection of one's own, whose statements may take as long as they need. */
  connect(): Promise<SqlConnection>;
}

/** PGlite does one thing at a time: a few connections keep it busy. */
const MAX_CONNECTIONS = 4;

/**
 * Opens the embedded Postgres as its only owner, in a thread of its own, and serves it on a Unix socket: in `dataDir`, or in a
 * private folder that the lock's file names where that path is too long for one. This process goes through the socket itself.
 * What it has answered survives the end of the process, however it ends; it does not sync to disk (PGlite cannot), so a power cut
 * may cost the last seconds. When the thread breaks, or a statement takes longer than `STATEMENT_TIMEOUT_MS`, statements are
 * refused until another has opened the folder.
 *
 * Throws `DatabaseError` `DATABASE_UNAVAILABLE`, with a sentence for people: `InUseError` when another process owns it. What
 * `prepare` throws is passed on.
 */
export async function openPglite({
  dataDir,
  prepare,
  alone = false,
  ...options
}: OpenPgliteOptions): Promise<OpenPglite> {
  const lock = lockNote(dataDir);
  const freed: (() => unknown)[] = [() => lock.release()];
  const free = async () => {
    for (const each of freed.reverse()) await each();
  };
  try {
    const folder = writing(dataDir, () => lockDataFolder(join(dataDir, "pglite")));
    freed.push(() => folder.release());
    assertRoom(dataDir);
    const { socketFolder: left } = lock.before;
    if (left !== undefined) await removeLeftSocket(left);
    const socketFolder = socketFolderFor(dataDir);
    freed.push(() => {
      // In a folder that is another's by now there is another's socket.
      if (socketFolder !== dataDir || lock.isInPlace() || folder.isInPlace()) removeSocket(socketFolder, dataDir);
    });
    const keeper = await PgliteKeeper.open({ ...options, folder, socketFolder });
    freed.push(() => keeper.close());
    const connect = () => connectPatiently(keeper, socketFolder);
    await prepare?.({ connect });
    if (!alone) lock.announce(socketFolder);
    const { driver, close } = openTcpDriver({
      url: socketUrl(socketFolder),
      applicationName: OWNER,
      maxConnections: MAX_CONNECTIONS,
      prepare: false,
    });
    freed.push(close);
    let ended: Promise<void> | undefined;
    return {
      db: createDatabase(watched(driver, keeper, dataDir)),
      connect,
      close() {
        ended ??= free();
        return ended;
      },
    };
  } catch (error) {
    await free();
    throw error;
  }
}

function lockNote(dataDir: string): FileLock {
  return writing(dataDir, () => {
    // Not `recursive`, which never returns below /proc: it wants a parent that is there.
    if (!existsSync(dataDir)) makeFolder(dataDir);
    return acquireFileLock(pgliteLockPath(dataDir));
  });
}

/** Does `work` in it, and says so when the system does not let us. */
function writing<T>(dataDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new DatabaseError("DATABASE_UNAVAILABLE", `the database's folder ${dataDir} cannot be written (${code})`, {
      cause: error,
    });
  }
}

/** Fine when another process was quicker. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

async function connectPatiently(keeper: PgliteKeeper, socketFolder: string): Promise<SqlConnection> {
  keeper.assertOpen();
  const connection = await connectTcp({ url: socketUrl(socketFolder), applicationName: OWNER });
  const over = keeper.allowLongStatements();
  return {
    query: connection.query,
    async close() {
      await connection.close();
      over();
    },
  };
}

/** Refuses at once what cannot go well: anything while the database is broken, and writing on a full disk. */
function watched(driver: Driver, keeper: PgliteKeeper, dataDir: string): Driver {
  return {
    async query(query) {
      keeper.assertOpen();
      if (!query.reads) assertRoom(dataDir);
      return driver.query(query);
    },
    async batch(queries) {
      keeper.assertOpen();
      assertRoom(dataDir);
      return driver.batch(queries);
    },
    assertWritable: () => assertRoom(dataDir),
  };
}
