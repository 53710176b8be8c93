import { statfsSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { DatabaseError } from "../../../errors.ts";
import { STATEMENT_TIMEOUT_MS } from "../driver.ts";
import { AnswerReader } from "./answer-reader.ts";
import type { BusyDeadline } from "./deadline.ts";
import { type EndTurn, ExclusiveTurns, type TurnOptions } from "./exclusive-turns.ts";
import { queryMessage } from "./messages.ts";

/**
 * What PGlite needs to go on: a segment of its log (16 MiB) and what a checkpoint writes. Below, a write may end in a panic,
 * and a panicked PGlite answers nonsense or never returns.
 */
const ROOM_BYTES = 32 * 1024 * 1024;

/** Time that upkeep may take at once: clearing dead rows away from tables of a million. */
const UPKEEP_TIMEOUT_MS = 60_000;

/**
 * Small log, as nothing but our own checkpoints trims it: PGlite has no background processes. The rest is what our statements rely
 * on and what a reset of the session goes back to.
 */
const SETTINGS = [
  "max_wal_size=64MB",
  "min_wal_size=32MB",
  "client_encoding=UTF8",
  "datestyle=ISO,MDY",
  "intervalstyle=postgres",
  "timezone=UTC",
  "default_transaction_read_only=off",
].flatMap((setting) => ["-c", setting]);

/**
 * Also undoes the named statements of a client: our own process leaves none behind a turn. By its name, as a backend alone knows
 * no user to go back to.
 */
const RESET = Buffer.concat(["set session authorization postgres", "discard all"].map(queryMessage));

export interface BackendOptions {
  readonly folder: string;
  readonly deadline: BusyDeadline;
  /** Called when PGlite answers no more as it should. It is never to be called into again: it may not come back. */
  readonly onBroken: () => void;
  readonly turns?: ExclusiveTurns;
}

export interface BackendTurnOptions extends TurnOptions {
  /** Whose settings nobody else is to see; without it those of our own process, which share them. */
  readonly stranger?: object;
}

/** The one PGlite of a folder, with one session for all. Whoever uses it takes a turn before. */
export class PgliteBackend {
  private readonly turns: ExclusiveTurns;
  private lastStranger: object | undefined;

  private constructor(
    private readonly pglite: PGlite,
    private readonly options: BackendOptions,
  ) {
    this.turns = options.turns ?? new ExclusiveTurns();
  }

  /** Throws `DatabaseError` when the disk has no room for a database to work in. */
  static async open(options: BackendOptions): Promise<PgliteBackend> {
    assertRoom(options.folder);
    const startParams = [...PGlite.defaultStartParams, ...SETTINGS];
    return new PgliteBackend(await PGlite.create(options.folder, { startParams }), options);
  }

  /**
   * Settles when the turn is ours, in a session in which no stranger but ourselves has set, prepared, locked or made anything.
   * Throws `DatabaseError` `DATABASE_UNAVAILABLE` when the wait ends before.
   */
  async takeTurn({ stranger, ...options }: BackendTurnOptions = {}): Promise<EndTurn> {
    const end = await this.turns.take(options);
    try {
      if (this.lastStranger !== undefined && this.lastStranger !== stranger) await this.reset();
    } catch (error) {
      end();
      throw error;
    }
    this.lastStranger = stranger;
    return end;
  }

  private async reset(): Promise<void> {
    const { hasFailed } = await this.pass(RESET, { wantsAnswer: true, onAnswer: () => undefined });
    if (hasFailed) this.options.onBroken();
  }

  /**
   * Passes whole messages of a client on and the answers back, whose bytes are PGlite's own: copy them. `wantsAnswer`: the last of
   * them is one that Postgres always answers. Gives what the answers say.
   */
  async pass(
    messages: Uint8Array,
    { wantsAnswer, onAnswer }: { wantsAnswer: boolean; onAnswer: (answer: Uint8Array) => void },
  ): Promise<Pick<AnswerReader, "isIdle" | "awaitsSync" | "hasFailed">> {
    const read = new AnswerReader();
    let broken = wantsAnswer;
    const onRawData = (answer: Uint8Array) => {
      read.push(answer);
      // Silence and a panic are what a backend says that is no more.
      broken = read.saysPanic;
      onAnswer(answer);
      // At once: the call may never return, after `COPY … FROM STDIN` for example, which a backend in one piece cannot wait for.
      if (broken) this.options.onBroken();
    };
    try {
      const { deadline } = this.options;
      await deadline.within(STATEMENT_TIMEOUT_MS, () => this.pglite.execProtocolRawStream(messages, { onRawData }));
    } catch (error) {
      broken = isFatal(error);
      throw error;
    } finally {
      if (broken) this.options.onBroken();
    }
    return read;
  }

  /** Statements of our own, for upkeep, in a turn of their own. Throws `DatabaseError` at once when the disk has no room. */
  async maintain(work: (pglite: PGlite) => Promise<void>): Promise<void> {
    const end = await this.takeTurn();
    try {
      assertRoom(this.options.folder);
      await this.options.deadline.within(UPKEEP_TIMEOUT_MS, () => work(this.pglite));
    } finally {
      end();
    }
  }

  /** Writes all down and ends, after whoever has the turn. */
  async close(): Promise<void> {
    const end: EndTurn = await this.turns.take({ first: true });
    await this.pglite.close().finally(end);
  }
}

/** A trap and an exit: PGlite reports everything else in the protocol. */
function isFatal(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || (error instanceof Error && error.name === "ExitStatus");
}

/** Throws `DatabaseError` when the disk below `folder` has no room for a database to work in. */
export function assertRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= ROOM_BYTES) return;
  throw new DatabaseError("DATABASE_UNAVAILABLE", "the disk of the embedded database is full", {
    retryAfterSeconds: 5,
  });
}
