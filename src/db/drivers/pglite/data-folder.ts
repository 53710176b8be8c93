import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { lockDescriptor } from "./flock.ts";
import { identityAt, identityOf, isSame } from "./identity.ts";
import { InUseError } from "./lock.ts";

/** The folder with the database in it, locked by us. */
export interface DataFolder {
  readonly path: string;
  /** There is no database yet: it is made in `unfinishedFolder(path)`, which is empty and locked, and then moved to `path`. */
  readonly isNew: boolean;
  /** False once the database was removed, moved away or replaced: its path leads to another, or to none. */
  isInPlace(): boolean;
  /** Gives the lock back. */
  release(): void;
}

/** Where a database is made: a kill meanwhile leaves nothing half made at its place. */
export function unfinishedFolder(path: string): string {
  return `${path}.unfinished`;
}

/**
 * Takes the kernel's lock on the database itself, which goes only with the database and is not copied with it.
 * Who calls this has the lock of its note beside it too, the only one that older versions know. Throws `InUseError`, or
 * `DatabaseError` when it cannot be locked.
 */
export function lockDataFolder(path: string): DataFolder {
  for (;;) {
    const isNew = !existsSync(path);
    const place = isNew ? unfinishedFolder(path) : path;
    if (isNew && !existsSync(place)) mkdirSync(place, { mode: 0o700 });
    const descriptor = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      if (!lockDescriptor(descriptor, place)) throw new InUseError(dirname(path), { pid: 0, socketFolder: undefined });
      if (isAt(place, descriptor) && existsSync(path) !== isNew) {
        if (isNew) empty(place);
        return hold(path, { isNew, descriptor });
      }
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    // Another has finished it or moved it between our open and our lock.
    closeSync(descriptor);
  }
}

function hold(path: string, { isNew, descriptor }: { isNew: boolean; descriptor: number }): DataFolder {
  return {
    path,
    isNew,
    // Without PG_VERSION PGlite would take what is left of it for a new one.
    isInPlace: () => isAt(path, descriptor) && existsSync(join(path, "PG_VERSION")),
    release: () => closeSync(descriptor),
  };
}

function isAt(path: string, descriptor: number): boolean {
  return isSame(identityAt(path, { follow: true }), identityOf(descriptor));
}

function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}
