import { DatabaseError } from "../../errors.ts";
import { ANSWER_TIMEOUT_MS } from "./driver.ts";

/** Ends a turn. */
export type EndTurn = () => void;

/** One user at a time, first come first served; a wait longer than its bound is refused. */
export class ExclusiveTurns {
  private taken = false;
  private readonly waiting: (() => void)[] = [];

  /** Settles when the turn is ours. Throws `DatabaseError` `DATABASE_UNAVAILABLE` after `timeoutMs`. */
  take(timeoutMs = ANSWER_TIMEOUT_MS): Promise<EndTurn> {
    if (!this.taken) {
      this.taken = true;
      return Promise.resolve(this.turn());
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        resolve(this.turn());
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(begin), 1);
        reject(
          new DatabaseError("DATABASE_UNAVAILABLE", "the database took too long to answer", { retryAfterSeconds: 1 }),
        );
      }, timeoutMs);
      this.waiting.push(begin);
    });
  }

  private turn(): EndTurn {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = this.waiting.shift();
      if (next === undefined) this.taken = false;
      else next();
    };
  }
}
