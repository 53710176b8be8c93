import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseError } from "../../../errors.ts";

/** Who has the lock, as its file says. */
export interface LockOwner {
  /** 0: somebody who left no number. */
  readonly pid: number;
  /** Where its socket is, once it serves others. */
  readonly socketFolder: string | undefined;
}

/** Somebody else has the lock. */
export class InUseError extends DatabaseError {
  constructor(
    folder: string,
    readonly owner: LockOwner,
  ) {
    super(
      "DATABASE_UNAVAILABLE",
      `the database in ${folder} is in use by process ${owner.pid}: end that one first, or set DATA_DIR to another folder`,
    );
  }
}

export interface FileLock {
  /** What the owner before us left in it, if that one did not end by itself. */
  readonly before: LockOwner;
  /** Says where others may connect. */
  announce(socketFolder: string): void;
  /** Gives the lock back and removes its file. */
  release(): void;
}

/**
 * Takes the kernel's lock (flock(2)) on the file at `path`, or throws `InUseError`, whose sentence names the owner. The
 * kernel drops the lock with its process, however that ends: it is never stale and never stolen.
 */
export function acquireFileLock(path: string): FileLock {
  for (;;) {
    const descriptor = openSync(path, "a+", 0o600);
    if (!lockDescriptor(descriptor)) {
      closeSync(descriptor);
      throw new InUseError(dirname(path), readOwner(path));
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

function hold(path: string, descriptor: number): FileLock {
  const before = readOwner(path);
  ftruncateSync(descriptor);
  writeSync(descriptor, `${process.pid}\n`);
  let held = true;
  return {
    before,
    announce: (socketFolder) => writeSync(descriptor, `${socketFolder}\n`),
    release() {
      if (!held) return;
      held = false;
      unlinkSync(path);
      closeSync(descriptor);
    },
  };
}

function readOwner(path: string): LockOwner {
  try {
    // A line counts once it is whole.
    const [pid = "", socketFolder] = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return { pid: Number.parseInt(pid, 10) || 0, socketFolder };
  } catch {
    return { pid: 0, socketFolder: undefined };
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
