import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseError } from "../../../errors.ts";

/** The name under which psql and pg look for a server in a folder given as host. */
const SOCKET_NAME = ".s.PGSQL.5432";

/** A private folder as `mkdtemp` makes it. */
const PRIVATE_PREFIX = "gatehouse-";
const PRIVATE_NAME = /^gatehouse-[A-Za-z0-9]{6}$/;

/** Bytes a socket's path may have on every Unix (macOS: 104 with the NUL). */
const MAX_PATH_BYTES = 103;

export function socketPath(folder: string): string {
  return join(folder, SOCKET_NAME);
}

/** A url for `openTcp` and `connectTcp` that leads to the server whose socket is in `folder`, an absolute path. */
export function socketUrl(folder: string): string {
  return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`;
}

/** Where the socket of the database in `dataDir` goes: there, or in a private folder of its own when that path is too long for one. */
export function socketFolderFor(dataDir: string): string {
  return fits(socketPath(dataDir)) ? dataDir : mkdtempSync(join(shortFolder(), PRIVATE_PREFIX));
}

/** Removes the socket, which is ours, and the folder if it was made for it. Fine to call for what is not there. */
export function removeSocket(folder: string, dataDir: string): void {
  rmSync(socketPath(folder), { force: true });
  if (folder === dataDir) return;
  try {
    rmdirSync(folder);
  } catch {
    // Gone already, or holds what is not ours.
  }
}

/** Makes a private folder again that a cleaner of temporary files has removed. Throws `DatabaseError` when it is another's by now. */
export function restoreSocketFolder(folder: string): void {
  if (!isNamedAsPrivate(folder)) return;
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  if (!isOurs(folder))
    throw new DatabaseError("DATABASE_UNAVAILABLE", `the socket's folder ${folder} is another's by now`);
}

/**
 * Removes what an owner before us left in a private folder, of which we have nothing but a note that anybody may have written or
 * copied: only a folder as we make them, which holds nothing but a socket, at which nobody listens.
 */
export async function removeLeftSocket(folder: string): Promise<void> {
  if (isPrivateFolder(folder) && (await isDeserted(socketPath(folder)))) removeSocket(folder, "");
}

function isPrivateFolder(path: string): boolean {
  try {
    if (!isNamedAsPrivate(path) || !isOurs(path)) return false;
    return readdirSync(path).every((name) => name === SOCKET_NAME && lstatSync(join(path, name)).isSocket());
  } catch {
    return false;
  }
}

function isNamedAsPrivate(path: string): boolean {
  return [tmpdir(), "/tmp"].includes(dirname(path)) && PRIVATE_NAME.test(basename(path));
}

function isOurs(path: string): boolean {
  const found = lstatSync(path);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o777) === 0o700;
}

/** A connection is refused at once, or there is no socket. */
async function isDeserted(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return false;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "ECONNREFUSED" || code === "ENOENT";
  } finally {
    socket.destroy();
  }
}

function shortFolder(): string {
  return fits(socketPath(join(tmpdir(), `${PRIVATE_PREFIX}XXXXXX`))) ? tmpdir() : "/tmp";
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_PATH_BYTES;
}
