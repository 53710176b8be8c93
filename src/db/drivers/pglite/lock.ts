import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseError } from "../../../errors.ts";
import { lockDescriptor } from "./flock.ts";
import { identityAt, identityOf, isSame } from "./identity.ts";

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
      `the database in ${folder} is in use by ${nameOf(owner)}: end that one first, or set DATA_DIR to another folder`,
    );
  }
}

export interface FileLock {
  /** What the owner before us left in it, if that one did not end by itself. */
  readonly before: LockOwner;
  /** Says where others may connect. */
  announce(socketFolder: string): void;
  /** Whether its file is still at its path. */
  isInPlace(): boolean;
  /** Gives the lock back and removes its file, unless another file is in its place by now. */
  release(): void;
}

/** `process 4242`, for a sentence. */
export function nameOf({ pid }: LockOwner): string {
  return pid === 0 ? "another process" : `process ${pid}`;
}

/** Bytes read of what an owner left: a number and a path. */
const MAX_NOTE_BYTES = 4_096;

/** A link is not followed, so that nothing elsewhere is written to, and a pipe does not hold us up until somebody reads it. */
const OPEN_FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Takes the kernel's lock (flock(2)) on the file at `path`, or throws `InUseError`, whose sentence names the owner. The
 * kernel drops the lock with its process, however that ends: it is never stale and never stolen. Throws `DatabaseError` when
 * something else than a file is there or it cannot be locked.
 */
export function acquireFileLock(path: string): FileLock {
  for (;;) {
    const descriptor = openFile(path);
    try {
      if (!lockDescriptor(descriptor, path)) throw new InUseError(dirname(path), readOwner(descriptor));
    } catch (error) {
      closeSync(descriptor);
      throw error;
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

function openFile(path: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, OPEN_FLAGS, 0o600);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // A link, a folder, a socket.
    if (code === "ELOOP" || code === "EISDIR" || code === "ENXIO") throw noFile(path);
    throw error;
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw noFile(path);
}

function noFile(path: string): DatabaseError {
  return new DatabaseError(
    "DATABASE_UNAVAILABLE",
    `${path} is not a file as Gatehouse makes it: remove it and start again`,
  );
}

function hold(path: string, descriptor: number): FileLock {
  const before = readOwner(descriptor);
  ftruncateSync(descriptor);
  writeSync(descriptor, `${process.pid}\n`);
  let held = true;
  return {
    before,
    announce: (socketFolder) => writeSync(descriptor, `${socketFolder}\n`),
    isInPlace: () => isStillAt(path, descriptor),
    release() {
      if (!held) return;
      held = false;
      try {
        if (isStillAt(path, descriptor)) unlinkSync(path);
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

function readOwner(descriptor: number): LockOwner {
  const note = Buffer.alloc(MAX_NOTE_BYTES);
  const size = readSync(descriptor, note, 0, MAX_NOTE_BYTES, 0);
  // A line counts once it is whole.
  const [pid = "", socketFolder] = note.toString("utf8", 0, size).split("\n").slice(0, -1);
  return { pid: Number.parseInt(pid, 10) || 0, socketFolder };
}

function isStillAt(path: string, descriptor: number): boolean {
  return isSame(identityAt(path), identityOf(descriptor));
}
