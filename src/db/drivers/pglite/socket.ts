import { mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The name under which psql and pg look for a server in a folder given as host. */
const SOCKET_NAME = ".s.PGSQL.5432";

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
  return fits(socketPath(dataDir)) ? dataDir : mkdtempSync(join(shortFolder(), "gatehouse-"));
}

/** Removes the socket, and the folder if it was made for it. Fine to call for what is not there. */
export function removeSocket(folder: string, dataDir: string): void {
  rmSync(socketPath(folder), { force: true });
  if (folder === dataDir) return;
  try {
    rmdirSync(folder);
  } catch {
    // Gone already, or holds what is not ours.
  }
}

function shortFolder(): string {
  return fits(socketPath(join(tmpdir(), "gatehouse-XXXXXX"))) ? tmpdir() : "/tmp";
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_PATH_BYTES;
}
