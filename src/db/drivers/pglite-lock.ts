import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "../../errors.ts";

export interface FileLock {
  /** Gives the lock back and removes its file. */
  release(): void;
}

/**
 * Takes the kernel's lock (flock(2)) on the file at `path`, or throws `DatabaseError` `DATABASE_UNAVAILABLE` with a sentence
 * that names the owner. The kernel drops the lock with its process, however that ends: it is never stale and never stolen.
 */
export function acquireFileLock(path: string): FileLock {
  for (;;) {
    const descriptor = openSync(path, "a+", 0o600);
    if (!lockDescriptor(descriptor)) {
      closeSync(descriptor);
      throw inUse(path);
    }
    // The owner before us may have removed the file between our open and our lock; then we hold nobody's lock.
    if (isStillAt(path, descriptor)) return hold(path, descriptor);
    closeSync(descriptor);
  }
}

/** The lock of the embedded database in `dataDir`. */
export function pgliteLockPath(dataDir: string): string {
  return join(dataDir, "pglite.lock");
}

/** The process that owns the embedded database in `dataDir`, or null when nobody does. 0: somebody who left no number. */
export function pgliteOwner(dataDir: string): number | null {
  const path = pgliteLockPath(dataDir);
  let descriptor: number;
  try {
    descriptor = openSync(path, "r+");
  } catch {
    return null;
  }
  try {
    return lockDescriptor(descriptor) ? null : readOwner(path);
  } finally {
    closeSync(descriptor);
  }
}

function hold(path: string, descriptor: number): FileLock {
  ftruncateSync(descriptor);
  writeSync(descriptor, `${process.pid}\n`);
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      unlinkSync(path);
      closeSync(descriptor);
    },
  };
}

function inUse(path: string): DatabaseError {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return new DatabaseError(
    "DATABASE_UNAVAILABLE",
    `the database in ${folder} is in use by process ${readOwner(path)}: end that one first, or set DATA_DIR to another folder`,
  );
}

function readOwner(path: string): number {
  try {
    return Number.parseInt(readFileSync(path, "utf8"), 10) || 0;
  } catch {
    return 0;
  }
}

function isStillAt(path: string, descriptor: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(descriptor);
  return named?.ino === opened.ino && named.dev === opened.dev;
}

const LOCK_IN_PYTHON = `
import fcntl, sys
try: fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError: sys.exit(1)
`;

/** Node has no flock. A child that inherits the descriptor locks the open file, which we share, and leaves the lock to us. */
const LOCKERS: readonly (readonly [command: string, ...rest: string[]])[] = [
  ["flock", "--exclusive", "--nonblock", "3"],
  ["python3", "-c", LOCK_IN_PYTHON],
];

function lockDescriptor(descriptor: number): boolean {
  for (const [command, ...rest] of LOCKERS) {
    const { status } = spawnSync(command, rest, { stdio: ["ignore", "ignore", "ignore", descriptor] });
    if (status === 0) return true;
    if (status === 1) return false;
  }
  throw new DatabaseError(
    "DATABASE_UNAVAILABLE",
    "cannot lock the database's folder: neither flock nor python3 can be run",
  );
}
