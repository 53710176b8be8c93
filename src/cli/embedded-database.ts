import { setTimeout as delay } from "node:timers/promises";
import { InUseError, type LockOwner, nameOf } from "../db/drivers/pglite/lock.ts";
import type { OpenPglite, OpenPgliteOptions } from "../db/drivers/pglite/pglite.ts";
import { socketUrl } from "../db/drivers/pglite/socket.ts";
import { connectTcp, openTcp } from "../db/drivers/tcp.ts";
import { DatabaseError } from "../errors.ts";
import { openEmbedded } from "../runtimes/node/embedded-database.ts";

/** How long a command waits for one owner: making a new database takes seconds, on a busy machine many. Milliseconds. */
const WAIT_MS = 30_000;
/** How long it waits in all, while one command after another has its turn. Milliseconds. */
const WAIT_FOR_ALL_MS = 300_000;
const LOOK_EVERY_MS = 200;

type OpenOptions = Pick<OpenPgliteOptions, "dataDir" | "prepare">;

/**
 * Opens the embedded database as its owner, or through the socket of the process that serves it. While the owner opens it, ends,
 * has just been killed or is a command like this one, which serves nobody, this waits, for 30 s at most for each owner and
 * 5 minutes in all, and says for whom on stderr. `prepare` runs before anything else can, or through the socket. Throws `DatabaseError`.
 */
export function openAsOwnerOrThrough(options: OpenOptions): Promise<OpenPglite> {
  return waitFor(options, ({ owner }) => openThrough(owner, options));
}

/** The same as its owner only: throws `InUseError` at once when another process serves the database to others. */
export function openAsOwner(options: OpenOptions): Promise<OpenPglite> {
  return waitFor(options, async (inUse) => {
    if (inUse.owner.socketFolder !== undefined) throw inUse;
    return undefined;
  });
}

/** `beside` opens it beside the owner; undefined: it has to wait. */
async function waitFor(
  options: OpenOptions,
  beside: (inUse: InUseError) => Promise<OpenPglite | undefined>,
): Promise<OpenPglite> {
  const { dataDir } = options;
  const startedAt = performance.now();
  let owner = { pid: 0, since: startedAt };
  for (let said = false; ; said = true) {
    const inUse = await tryToOwn(options);
    if (!(inUse instanceof InUseError)) return inUse;
    const opened = await beside(inUse);
    if (opened !== undefined) return opened;
    const { pid } = inUse.owner;
    const now = performance.now();
    if (pid !== owner.pid) owner = { pid, since: now };
    if (now - owner.since > WAIT_MS || now - startedAt > WAIT_FOR_ALL_MS) {
      throw new DatabaseError(
        "DATABASE_UNAVAILABLE",
        `the database in ${dataDir} is in use by ${nameOf(inUse.owner)}, which lets nobody else in: end that one first (it may be stopped, then kill -CONT lets it go on)`,
      );
    }
    if (!said) process.stderr.write(`waiting for ${nameOf(inUse.owner)}, which has the database in ${dataDir}\n`);
    await delay(LOOK_EVERY_MS);
  }
}

async function tryToOwn(options: OpenOptions): Promise<OpenPglite | InUseError> {
  try {
    // Its work may end in the middle of another's, so it serves nobody.
    return await openEmbedded({ ...options, alone: true });
  } catch (error) {
    if (error instanceof InUseError) return error;
    throw error;
  }
}

/** Undefined when the owner does not serve it yet, or no more. */
async function openThrough({ socketFolder }: LockOwner, { prepare }: OpenOptions): Promise<OpenPglite | undefined> {
  if (socketFolder === undefined) return undefined;
  const url = socketUrl(socketFolder);
  const connect = () => connectTcp({ url });
  try {
    await (await connect()).close();
    await prepare?.({ connect });
  } catch (error) {
    // The command itself has sent nothing yet.
    if (error instanceof DatabaseError && error.code === "DATABASE_UNAVAILABLE") return undefined;
    throw error;
  }
  return { ...openTcp({ url, prepare: false, maxConnections: 2 }), connect };
}
