import { DatabaseError } from "../../../errors.ts";
import { wrapDriverError } from "../../query-error.ts";
import type { DataFolder } from "./data-folder.ts";
import { type Identity, identityAt, isSame } from "./identity.ts";
import { socketPath } from "./socket.ts";
import { type PgliteThread, type StartPgliteThreadOptions, startPgliteThread } from "./start-thread.ts";

export interface KeepPgliteOptions extends Omit<StartPgliteThreadOptions, "folder" | "isNew"> {
  readonly folder: Pick<DataFolder, "path" | "isNew" | "isInPlace">;
  /** Told when the database breaks, why it cannot be opened again, and that it is open again: sentences for a log. */
  readonly onChange?: ((change: PgliteChange) => void) | undefined;
}

export interface PgliteChange {
  readonly open: boolean;
  readonly sentence: string;
  /** What the thread threw. */
  readonly cause?: Error | undefined;
}

/** Time between two attempts to open a database that broke. */
const REOPEN_EVERY_MS = 2_000;

/** Time between two looks at whether the thread is stuck, and its folder and socket in their places. */
const LOOK_EVERY_MS = 500;

const ANOTHER_FOLDER =
  "the embedded database's folder was removed or replaced while it was open: end this process and start it again";

/**
 * Keeps a PGlite open: a thread that breaks, gets stuck in a statement or loses its socket is replaced, and until then nobody
 * waits for it. When its folder is not in its place any more, it stays closed: what is there is another database, or none.
 */
export class PgliteKeeper {
  private thread: PgliteThread | undefined;
  private socket: Identity | undefined;
  private isNew: boolean;
  private isLost = false;
  private trouble = "";
  private patientStatements = 0;
  private openedAt = 0;
  private opening: Promise<void> | undefined;
  private reopening: NodeJS.Timeout | undefined;
  private closing = false;
  private readonly looking: NodeJS.Timeout;

  private constructor(private readonly options: KeepPgliteOptions) {
    this.isNew = options.folder.isNew;
    this.looking = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  /** Throws `DatabaseError` when it cannot be opened. */
  static async open(options: KeepPgliteOptions): Promise<PgliteKeeper> {
    const keeper = new PgliteKeeper(options);
    try {
      await keeper.start();
      return keeper;
    } catch (error) {
      clearInterval(keeper.looking);
      throw error;
    }
  }

  /** Throws `DatabaseError` `DATABASE_UNAVAILABLE` while the database is broken and not open again, or not in its place. */
  assertOpen(): void {
    if (this.thread !== undefined && this.isInPlace()) return;
    throw new DatabaseError("DATABASE_UNAVAILABLE", this.trouble, { retryAfterSeconds: 5 });
  }

  /** Until the function it gives is called, statements may take as long as they need. */
  allowLongStatements(): () => void {
    this.patientStatements += 1;
    let over = false;
    return () => {
      if (!over) this.patientStatements -= 1;
      over = true;
    };
  }

  async close(): Promise<void> {
    this.closing = true;
    clearInterval(this.looking);
    clearTimeout(this.reopening);
    // A thread that is just opening the folder must not outlive us: who comes next has the folder then.
    await this.opening?.catch(() => undefined);
    // Its last checkpoint would go into another's folder.
    await (this.options.folder.isInPlace() ? this.thread?.close() : this.thread?.kill());
  }

  private start(): Promise<void> {
    this.opening = this.startThread();
    return this.opening;
  }

  private async startThread(): Promise<void> {
    this.openedAt = performance.now();
    const { folder, ...options } = this.options;
    const thread = await startPgliteThread({ ...options, folder: folder.path, isNew: this.isNew });
    this.isNew = false;
    this.thread = thread;
    this.socket = identityAt(socketPath(options.socketFolder));
    void thread.ended.then((cause) => this.lose(cause));
  }

  private look(): void {
    const { thread } = this;
    if (thread === undefined || !this.isInPlace() || this.patientStatements > 0) return;
    if (thread.isOverdue) {
      this.trouble = "a statement took too long and was cut off together with the embedded database";
      void thread.kill();
    } else if (this.socket !== undefined && !isSame(identityAt(socketPath(this.options.socketFolder)), this.socket)) {
      this.socket = undefined;
      this.trouble = "the embedded database's socket was removed";
      void thread.close();
    }
  }

  /** Once it is not, it is closed for good, before anything is written into what is there now. */
  private isInPlace(): boolean {
    if (!this.isLost && !this.options.folder.isInPlace()) {
      this.isLost = true;
      this.trouble = ANOTHER_FOLDER;
      void this.thread?.kill();
    }
    return !this.isLost;
  }

  private lose(cause: Error | undefined): void {
    this.thread = undefined;
    if (this.closing) return;
    if (this.isLost) {
      this.say({ open: false, sentence: this.trouble, cause });
      return;
    }
    this.trouble ||= "the embedded database broke";
    this.say({ open: false, sentence: `${this.trouble}; it is being opened again`, cause });
    this.reopenIn(Math.max(0, this.openedAt + REOPEN_EVERY_MS - performance.now()));
  }

  private reopenIn(delayMs: number): void {
    this.reopening = setTimeout(() => void this.reopen(), delayMs);
  }

  private async reopen(): Promise<void> {
    if (!this.isInPlace()) {
      this.say({ open: false, sentence: this.trouble });
      return;
    }
    try {
      await this.start();
      this.trouble = "";
      this.say({ open: true, sentence: "the embedded database is open again" });
    } catch (error) {
      const { message } = wrapDriverError(error);
      if (message !== this.trouble) this.say({ open: false, sentence: message });
      this.trouble = message;
      if (!this.closing) this.reopenIn(REOPEN_EVERY_MS);
    }
  }

  private say(change: PgliteChange): void {
    this.options.onChange?.(change);
  }
}
