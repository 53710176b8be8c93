import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { StartError } from "../errors.ts";

/** Bytes of `sun_path` that hold a path on every system we run on: 104 on macOS, its zero byte included. */
const MAX_SOCKET_PATH_BYTES = 103;

/** Room for `/<model index>-<worker>-<life>.sock` after the folder's path. */
const LONGEST_SOCKET_NAME_BYTES = 24;

const FOLDER_PREFIX = "gatehouse-daemon-";

/**
 * A socket that the folder's daemon listens on while it lives: the kernel refuses whoever connects as soon as it is gone, however it went. Unlike a
 * process number it means the same in every container that sees the folder.
 */
const OWNER_SOCKET = "owner";

/** Listens on a path that nobody has. Throws when it cannot. */
type Bind = (path: string) => Pick<Server, "close">;

export interface SocketFolder {
  /** A path for a worker's socket that no other worker ever had. Throws StartError when the folder is gone and cannot be made again. */
  next(): string;
  remove(): void;
}

interface OwnFolder {
  readonly path: string;
  readonly owner: Pick<Server, "close">;
}

/**
 * Makes a fresh 0700 folder for this daemon's sockets under `parent` (the temp folder unless the configuration names one), and
 * removes those of daemons that are gone. Rejects with StartError SOCKET_DIR_UNUSABLE.
 */
export async function createSocketFolder(parent: string | undefined, bind: Bind = bindAtOnce): Promise<SocketFolder> {
  // Without a slash at its end, which would follow a link before it is seen.
  const base = resolve(parent ?? tmpdir());
  if (parent !== undefined) prepareParent(base);
  await removeStaleFolders(base);
  let own = makeOwnFolder(base, bind);
  let count = 0;
  return {
    next: () => {
      // Who cleans the temp folder of what looks old may have taken ours.
      if (!isOurs(own.path)) {
        own.owner.close();
        own = makeOwnFolder(base, bind);
      }
      return join(own.path, `${++count}.sock`);
    },
    remove: () => {
      own.owner.close();
      rmSync(own.path, { recursive: true, force: true });
    },
  };
}

function makeOwnFolder(base: string, bind: Bind): OwnFolder {
  const path = makeFolder(base);
  if (Buffer.byteLength(path) + LONGEST_SOCKET_NAME_BYTES > MAX_SOCKET_PATH_BYTES) {
    rmSync(path, { recursive: true });
    throw unusable(
      `Socket paths end at ${MAX_SOCKET_PATH_BYTES} bytes and "${base}" is too long for them: set socket_dir in [daemon] to a shorter folder.`,
    );
  }
  const socket = join(path, OWNER_SOCKET);
  try {
    // Under its name it refuses nobody at any moment: it listens before it has it.
    const owner = bind(`${socket}.new`);
    renameSync(`${socket}.new`, socket);
    return { path, owner };
  } catch (cause) {
    rmSync(path, { recursive: true, force: true });
    throw unusable(`No socket can be made in "${base}": it is full, or on a file system that has no sockets.`, cause);
  }
}

/** Node binds a path and listens before `listen` returns, and tells of a failure later: of that the missing socket tells here and now. */
function bindAtOnce(path: string): Server {
  const server = createServer((socket) => socket.destroy());
  server.on("error", () => undefined);
  server.listen(path).unref();
  chmodSync(path, 0o600);
  return server;
}

function prepareParent(parent: string): void {
  try {
    if (!existsSync(parent)) mkdirSync(parent, { mode: 0o700 });
    const stat = lstatSync(parent);
    if (!stat.isDirectory())
      throw unusable(`socket_dir "${parent}" is not a folder of its own (a symbolic link is refused).`);
    const isOthers = stat.uid !== process.getuid?.() && stat.uid !== 0;
    const isOpen = (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0;
    if (isOthers || isOpen)
      throw unusable(`socket_dir "${parent}" can be written by others: give it to this user and chmod it 0700.`);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      const where = `socket_dir "${parent}" in [daemon] cannot be made: there is no folder "${dirname(parent)}"`;
      throw unusable(`${where}; make that first, or name another.`, cause);
    }
    throw unusable(`socket_dir "${parent}" cannot be made: ${(cause as Error).message}`, cause);
  }
}

function makeFolder(base: string): string {
  try {
    const folder = mkdtempSync(join(base, FOLDER_PREFIX));
    // mkdtemp asks for 0700, but an unusual umask may take from it.
    chmodSync(folder, 0o700);
    return folder;
  } catch (cause) {
    throw unusable(`No folder for sockets can be made in "${base}": ${(cause as Error).message}`, cause);
  }
}

async function removeStaleFolders(base: string): Promise<void> {
  for (const name of namesIn(base)) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const folder = join(base, name);
    if (isOurs(folder) && (await isStale(folder))) rmSync(folder, { recursive: true, force: true });
  }
}

function namesIn(base: string): readonly string[] {
  try {
    return readdirSync(base);
  } catch (cause) {
    throw unusable(`The folder for sockets "${base}" cannot be read: ${(cause as Error).message}`, cause);
  }
}

function isOurs(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

/** Whether the daemon that made a folder is gone. A folder without an owner's socket is not ours to judge. */
function isStale(folder: string): Promise<boolean> {
  const owner = join(folder, OWNER_SOCKET);
  if (lstatSync(owner, { throwIfNoEntry: false })?.isSocket() !== true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = createConnection(owner);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    // Another error, such as that of too many who connect at once, says nothing about the owner.
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
}

function unusable(message: string, cause?: unknown): StartError {
  return new StartError("SOCKET_DIR_UNUSABLE", message, { cause });
}
