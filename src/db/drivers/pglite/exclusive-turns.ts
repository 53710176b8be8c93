import { DatabaseError } from "../../../errors.ts";

/** Ends a turn. */
export type EndTurn = () => void;

export interface TurnOptions {
  /** Goes before all who wait without it. */
  readonly first?: boolean;
  /** Asks the holder to end its turn, once: others have waited for long enough. Without it nobody asks. */
  readonly revoke?: () => void;
  /** The longest wait, in milliseconds; without it as long as it takes. */
  readonly timeoutMs?: number;
  /** Ends the wait of somebody who has left. */
  readonly signal?: AbortSignal;
}

/** How long anybody waits, in milliseconds, before the holder of the turn is asked to end it. */
export const PATIENCE_MS = 3_000;

type Timer = ReturnType<typeof setTimeout>;

interface Turn {
  readonly first: boolean;
  readonly revoke: (() => void) | undefined;
}

interface Waiting extends Turn {
  begin(): void;
}

/** One user at a time, first come first served, and nobody for long while others wait. */
export class ExclusiveTurns {
  private holder: Turn | undefined;
  private readonly waiting: Waiting[] = [];
  private patience: Timer | undefined;

  constructor(private readonly patienceMs = PATIENCE_MS) {}

  /** Settles when the turn is ours. Throws `DatabaseError` `DATABASE_UNAVAILABLE` when the wait ends before. */
  take({ first = false, revoke, timeoutMs, signal }: TurnOptions = {}): Promise<EndTurn> {
    if (this.holder === undefined) return Promise.resolve(this.begin({ first, revoke }));
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        settled();
        reject(tooLong());
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs);
      signal?.addEventListener("abort", giveUp);
      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
      };
      const waiting: Waiting = {
        first,
        revoke,
        begin: () => {
          settled();
          resolve(this.begin(waiting));
        },
      };
      this.enqueue(waiting);
    });
  }

  private enqueue(waiting: Waiting): void {
    const before = waiting.first ? this.waiting.findIndex(({ first }) => !first) : -1;
    this.waiting.splice(before === -1 ? this.waiting.length : before, 0, waiting);
    this.patience ??= this.startPatience();
  }

  private begin(turn: Turn): EndTurn {
    this.holder = turn;
    this.patience = this.waiting.length > 0 ? this.startPatience() : undefined;
    return () => {
      if (this.holder !== turn) return;
      this.holder = undefined;
      clearTimeout(this.patience);
      this.patience = undefined;
      this.waiting.shift()?.begin();
    };
  }

  private startPatience(): Timer {
    const { holder } = this;
    return setTimeout(() => {
      if (this.waiting.length > 0) holder?.revoke?.();
    }, this.patienceMs);
  }
}

function tooLong(): DatabaseError {
  return new DatabaseError("DATABASE_UNAVAILABLE", "the database took too long to answer", { retryAfterSeconds: 1 });
}
