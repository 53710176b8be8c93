import { statfsSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { DatabaseError } from "../../errors.ts";
import { type EndTurn, ExclusiveTurns } from "./exclusive-turns.ts";

/**
 * What PGlite needs to go on: a segment of its log (16 MiB) and what a checkpoint writes. Below, a write may end in a panic,
 * and a panicked PGlite answers nonsense or never returns.
 */
const ROOM_BYTES = 32 * 1024 * 1024;

/** Time between two attempts to open a database again that broke; each stops the process for about half a second. */
const REOPEN_EVERY_MS = 5_000;

/** Small log, as nothing but our own checkpoints trims it: PGlite has no background processes. */
const SETTINGS = ["-c", "max_wal_size=64MB", "-c", "min_wal_size=32MB"];

/** A turn on the backend. */
export interface Turn {
  readonly pglite: PGlite;
  readonly end: EndTurn;
}

/** The one PGlite of a folder: used by one at a time, and opened again when it broke. */
export class PgliteBackend {
  private readonly turns = new ExclusiveTurns();
  private broken = false;
  private reopenAt = 0;

  private constructor(
    private readonly folder: string,
    private pglite: PGlite,
  ) {}

  /** Throws `DatabaseError` when the disk has no room for a database to work in. */
  static async open(folder: string): Promise<PgliteBackend> {
    assertRoom(folder);
    return new PgliteBackend(folder, await openFolder(folder));
  }

  /** Waits for a turn; the caller ends it. Throws `DatabaseError` when it does not come in time or the database is broken. */
  async take(): Promise<Turn> {
    const end = await this.turns.take();
    try {
      if (this.broken) await this.reopen();
      return { pglite: this.pglite, end };
    } catch (error) {
      end();
      throw error;
    }
  }

  /** A turn to write: throws `DatabaseError` at once when the disk has no room, before PGlite would find out. */
  async takeToWrite(): Promise<Turn> {
    assertRoom(this.folder);
    return this.take();
  }

  /** What runs after `work` gets a fresh PGlite when this one broke meanwhile. Passes errors on. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isFatal(error)) this.declareBroken();
      throw error;
    }
  }

  /** Never call into this PGlite again: it may not come back. */
  declareBroken(): void {
    this.broken = true;
  }

  async close(): Promise<void> {
    const end = await this.turns.take();
    try {
      if (!this.broken) await this.pglite.close();
    } finally {
      end();
    }
  }

  private async reopen(): Promise<void> {
    if (performance.now() < this.reopenAt) throw unavailable("the embedded database broke and is not open again yet");
    assertRoom(this.folder);
    this.reopenAt = performance.now() + REOPEN_EVERY_MS;
    this.pglite = await openFolder(this.folder);
    this.broken = false;
  }
}

function openFolder(folder: string): Promise<PGlite> {
  return PGlite.create(folder, { startParams: [...PGlite.defaultStartParams, ...SETTINGS] });
}

/** No answer at all, not even columns: what a backend says that is no more. */
export class SilentBackendError extends Error {
  constructor() {
    super("Connection terminated: the embedded database did not answer");
  }
}

/** A refused statement leaves PGlite well; a panic, a trap, an exit and silence do not. */
function isFatal(error: unknown): boolean {
  if (error instanceof SilentBackendError || error instanceof WebAssembly.RuntimeError) return true;
  if (!(error instanceof Error)) return false;
  return error.name === "ExitStatus" || ("severity" in error && /^(PANIC|FATAL)$/.test(String(error.severity)));
}

/** Throws `DatabaseError` when the disk below `folder` has no room for a database to work in. */
export function assertRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < ROOM_BYTES) throw unavailable("the disk of the embedded database is full");
}

function unavailable(sentence: string): DatabaseError {
  return new DatabaseError("DATABASE_UNAVAILABLE", sentence, { retryAfterSeconds: 5 });
}
