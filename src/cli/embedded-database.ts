import { setTimeout as delay } from "node:timers/promises";
import { InUseError, type LockOwner } from "../db/drivers/pglite/lock.ts";
import type { OpenPglite, OpenPgliteOptions } from "../db/drivers/pglite/pglite.ts";
import { socketUrl } from "../db/drivers/pglite/socket.ts";
import { connectTcp, openTcp } from "../db/drivers/tcp.ts";
import { DatabaseError } from "../errors.ts";
import { openEmbedded } from "../runtimes/node/embedded-database.ts";

/** How long a command waits for the owner: making a new database takes seconds, on a busy machine many. Milliseconds. */
const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 200;

type OpenOptions = Pick<OpenPgliteOptions, "dataDir" | "prepare">;

/**
 * Opens the embedded database as its owner, or through the socket of the process that owns it. While that one opens it, ends or
 * has just been killed, this waits, for 30 s at most, and says for whom on stderr. `prepare` runs before anything else can, or through the socket. Throws `DatabaseError`.
 */
export async function openAsOwnerOrThrough(options: OpenOptions): Promise<OpenPglite> {
  const { dataDir } = options;
  const giveUpAt = performance.now() + WAIT_MS;
  for (let said = false; ; said = true) {
    const opened = await tryToOpen(options);
    if (!(opened instanceof InUseError)) return opened;
    const { pid } = opened.owner;
    if (performance.now() > giveUpAt) {
      throw new DatabaseError(
        "DATABASE_UNAVAILABLE",
        `the database in ${dataDir} is in use by process ${pid}, which lets nobody else in: end that one first`,
      );
    }
    if (!said) process.stderr.write(`waiting for process ${pid}, which has the database in ${dataDir}\n`);
    await delay(LOOK_EVERY_MS);
  }
}

async function tryToOpen(options: OpenOptions): Promise<OpenPglite | InUseError> {
  try {
    return await openEmbedded(options);
  } catch (error) {
    if (!(error instanceof InUseError)) throw error;
    return (await openThrough(error.owner, options)) ?? error;
  }
}

/** Undefined when the owner does not serve it yet, or no more. */
async function openThrough({ socketFolder }: LockOwner, { prepare }: OpenOptions): Promise<OpenPglite | undefined> {
  if (socketFolder === undefined) return undefined;
  const url = socketUrl(socketFolder);
  try {
    await (await connectTcp({ url })).close();
  } catch {
    return undefined;
  }
  const connect = () => connectTcp({ url });
  await prepare?.({ connect });
  return { ...openTcp({ url, prepare: false, maxConnections: 2 }), connect };
}
