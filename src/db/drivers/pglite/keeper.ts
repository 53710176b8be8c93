import { DatabaseError } from "../../../errors.ts";
import { wrapDriverError } from "../../query-error.ts";
import { type PgliteThread, type StartPgliteThreadOptions, startPgliteThread } from "./start-thread.ts";

export interface KeepPgliteOptions extends StartPgliteThreadOptions {
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

/** Time between two looks at whether the thread is stuck. */
const LOOK_EVERY_MS = 500;

/** Keeps a PGlite open: a thread that breaks or gets stuck in a statement is replaced, and until then nobody waits for it. */
export class PgliteKeeper {
  private thread: PgliteThread | undefined;
  private trouble = "";
  private patientStatements = 0;
  private openedAt = 0;
  private opening: Promise<void> | undefined;
  private reopening: NodeJS.Timeout | undefined;
  private closing = false;
  private readonly looking: NodeJS.Timeout;

  private constructor(private readonly options: KeepPgliteOptions) {
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

  /** Throws `DatabaseError` `DATABASE_UNAVAILABLE` while the database is broken and not open again. */
  assertOpen(): void {
    if (this.thread !== undefined) return;
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
    await this.thread?.close();
  }

  private start(): Promise<void> {
    this.opening = this.startThread();
    return this.opening;
  }

  private async startThread(): Promise<void> {
    this.openedAt = performance.now();
    const thread = await startPgliteThread(this.options);
    this.thread = thread;
    void thread.ended.then((cause) => this.lose(cause));
  }

  private look(): void {
    if (this.patientStatements > 0 || !this.thread?.isOverdue) return;
    this.trouble = "a statement took too long and was cut off together with the embedded database";
    void this.thread.kill();
  }

  private lose(cause: Error | undefined): void {
    this.thread = undefined;
    if (this.closing) return;
    this.trouble ||= "the embedded database broke";
    this.say({ open: false, sentence: `${this.trouble}; it is being opened again`, cause });
    this.reopenIn(Math.max(0, this.openedAt + REOPEN_EVERY_MS - performance.now()));
  }

  private reopenIn(delayMs: number): void {
    this.reopening = setTimeout(() => void this.reopen(), delayMs);
  }

  private async reopen(): Promise<void> {
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
