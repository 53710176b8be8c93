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
/** How long it waits until it also says for what. Milliseconds. */
const SAY_WHY_AFTER_MS = 2_000;
const LOOK_EVERY_MS = 200;

/** How often one owner may cut off what brings the database up to date: it may end or be opened again just then. */
const MAX_CUT_OFF = 1;

/** SQLSTATEs (Postgres, appendix A) of a server that is ending, starting or has no free connection: soon it is otherwise. */
const PASSES = /^(08|57P|53300)/;

type OpenOptions = Pick<OpenPgliteOptions, "dataDir" | "prepare">;

/** What the owner has to do before anybody else can: ends "still waiting: ". */
interface Wait {
  readonly until: string;
  /** The owner let us in and then cut us off. */
  readonly cutOff?: boolean;
}

/**
 * Opens the embedded database as its owner, or through the socket of the process that serves it. While the owner opens it, ends,
 * has just been killed or is a command like this one, which serves nobody, this waits, for 30 s at most for each owner and
 * 5 minutes in all, and says for whom and for what on stderr. `prepare` runs before anything else can, or through the socket; when it
 * fails there, nobody waits. Throws `DatabaseError`, and what `prepare` throws.
 */
export function openAsOwnerOrThrough(options: OpenOptions): Promise<OpenPglite> {
  return waitFor(options, ({ owner }) => openThrough(owner, options));
}

/** The same as its owner only: throws `InUseError` at once when another process serves the database to others. */
export function openAsOwner(options: OpenOptions): Promise<OpenPglite> {
  return waitFor(options, async (inUse) => {
    if (inUse.owner.socketFolder !== undefined) throw inUse;
    return NOT_SERVED;
  });
}

/** `beside` opens it beside the owner, or says for what it has to wait. */
async function waitFor(
  options: OpenOptions,
  beside: (inUse: InUseError) => Promise<OpenPglite | Wait>,
): Promise<OpenPglite> {
  const { dataDir } = options;
  const startedAt = performance.now();
  let owner = { pid: 0, since: startedAt, cutOffs: 0 };
  const said = new Set<string>();
  const sayOnce = (line: string) => {
    if (!said.has(line)) process.stderr.write(`${line}\n`);
    said.add(line);
  };
  for (;;) {
    const inUse = await tryToOwn(options);
    if (!(inUse instanceof InUseError)) return inUse;
    const opened = await beside(inUse);
    if (!("until" in opened)) return opened;
    const { pid } = inUse.owner;
    const now = performance.now();
    if (pid !== owner.pid) owner = { pid, since: now, cutOffs: 0 };
    if (opened.cutOff) owner.cutOffs += 1;
    if (owner.cutOffs > MAX_CUT_OFF) throw cannotBePrepared(dataDir, inUse.owner);
    if (now - owner.since > WAIT_MS || now - startedAt > WAIT_FOR_ALL_MS)
      throw waitedInVain(dataDir, inUse.owner, opened);
    if (said.size === 0) sayOnce(`waiting for ${nameOf(inUse.owner)}, which has the database in ${dataDir}`);
    if (now - owner.since > SAY_WHY_AFTER_MS) sayOnce(`still waiting for ${nameOf(inUse.owner)}: ${opened.until}`);
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

const NOT_SERVED: Wait = { until: "it is opening the database or bringing it up to date, or serves nobody else" };

/** Waits when the owner does not serve it yet, or no more. */
async function openThrough({ socketFolder }: LockOwner, { prepare }: OpenOptions): Promise<OpenPglite | Wait> {
  if (socketFolder === undefined) return NOT_SERVED;
  const url = socketUrl(socketFolder);
  const connect = () => connectTcp({ url });
  try {
    await (await connect()).close();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return { until: `it lets nobody in (${error.message})` };
  }
  try {
    await prepare?.({ connect });
  } catch (error) {
    // The command itself has sent nothing yet.
    if (!isUnavailable(error) || !PASSES.test(error.sqlState ?? "08")) throw error;
    return { until: `it ended our connection (${error.message})`, cutOff: true };
  }
  return { ...openTcp({ url, prepare: false, maxConnections: 2 }), connect };
}

function isUnavailable(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code === "DATABASE_UNAVAILABLE";
}

function cannotBePrepared(dataDir: string, owner: LockOwner): DatabaseError {
  return new DatabaseError(
    "DATABASE_UNAVAILABLE",
    `the database in ${dataDir} cannot be brought up to date beside ${nameOf(owner)}, which ended our connection each time: end that one first, then run gatehouse db migrate`,
  );
}

function waitedInVain(dataDir: string, owner: LockOwner, { until }: Wait): DatabaseError {
  return new DatabaseError(
    "DATABASE_UNAVAILABLE",
    `the database in ${dataDir} is in use by ${nameOf(owner)}, and this waited in vain: ${until}. End that one first (it may be stopped, then kill -CONT lets it go on)`,
  );
}
