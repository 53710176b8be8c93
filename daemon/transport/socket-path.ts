import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { StartError } from "../errors.ts";

/** Bytes of `sun_path` that hold a path on every system we run on: 104 on macOS, its zero byte included. */
const MAX_SOCKET_PATH_BYTES = 103;

/** Room for `/<model index>-<worker>-<life>.sock` after the folder's path. */
const LONGEST_SOCKET_NAME_BYTES = 24;

const FOLDER_PREFIX = "gatehouse-daemon-";
const OWNER_FILE = "owner";

/** `writeFileSync`. */
type WriteNote = (path: string, note: string, options: { readonly mode: number }) => void;

export interface SocketFolder {
  /** A path for a worker's socket that no other worker ever had. Throws StartError when the folder is gone and cannot be made again. */
  next(): string;
  remove(): void;
}

/**
 * Makes a fresh 0700 folder for this daemon's sockets under `parent` (the temp folder unless the configuration names one), and
 * removes those of daemons that are gone. Throws StartError SOCKET_DIR_UNUSABLE.
 */
export function createSocketFolder(parent: string | undefined, writeNote: WriteNote = writeFileSync): SocketFolder {
  // Without a slash at its end, which would follow a link before it is seen.
  const base = resolve(parent ?? tmpdir());
  if (parent !== undefined) prepareParent(base);
  removeStaleFolders(base);
  let folder = makeOwnFolder(base, writeNote);
  let count = 0;
  return {
    next: () => {
      // Who cleans the temp folder of what looks old may have taken ours.
      if (!isOurs(folder)) folder = makeOwnFolder(base, writeNote);
      return join(folder, `${++count}.sock`);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function makeOwnFolder(base: string, writeNote: WriteNote): string {
  const folder = makeFolder(base);
  if (Buffer.byteLength(folder) + LONGEST_SOCKET_NAME_BYTES > MAX_SOCKET_PATH_BYTES) {
    rmSync(folder, { recursive: true });
    throw unusable(
      `Socket paths end at ${MAX_SOCKET_PATH_BYTES} bytes and "${base}" is too long for them: set socket_dir in [daemon] to a shorter folder.`,
    );
  }
  try {
    writeNote(join(folder, OWNER_FILE), `${process.pid} ${startTimeOf(process.pid) ?? ""}`, { mode: 0o600 });
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw unusable(`Nothing can be written to "${base}": ${(cause as Error).message}`, cause);
  }
  return folder;
}

function prepareParent(parent: string): void {
  try {
    makeFolders(parent);
    const stat = lstatSync(parent);
    if (!stat.isDirectory())
      throw unusable(`socket_dir "${parent}" is not a folder of its own (a symbolic link is refused).`);
    const isOthers = stat.uid !== process.getuid?.() && stat.uid !== 0;
    const isOpen = (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0;
    if (isOthers || isOpen)
      throw unusable(`socket_dir "${parent}" can be written by others: give it to this user and chmod it 0700.`);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw unusable(`socket_dir "${parent}" cannot be made: ${(cause as Error).message}`, cause);
  }
}

/** Level by level: Node's own `recursive` never returns where a parent is there and yet nothing can be made in it, as in /proc. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path, { mode: 0o700 });
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

function removeStaleFolders(base: string): void {
  for (const name of namesIn(base)) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const folder = join(base, name);
    if (isOurs(folder) && isStale(folder)) rmSync(folder, { recursive: true, force: true });
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

/** Whether the daemon that made a folder is gone. A folder without an owner's note is not ours to judge. */
function isStale(folder: string): boolean {
  let note: string;
  try {
    note = readFileSync(join(folder, OWNER_FILE), "utf8");
  } catch {
    return false;
  }
  const [pid, startTime] = note.split(" ");
  if (!isAlive(Number(pid))) return true;
  const now = startTimeOf(Number(pid));
  return now !== undefined && startTime !== "" && now !== startTime;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Field 22 of proc_pid_stat(5), so that a process number used again is not taken for its first owner; undefined where there is no /proc. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function unusable(message: string, cause?: unknown): StartError {
  return new StartError("SOCKET_DIR_UNUSABLE", message, { cause });
}
