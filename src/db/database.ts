import { DatabaseError } from "../errors.ts";
import type { Driver, DriverQuery } from "./drivers/driver.ts";
import { isDroppedConnection, wrapDriverError } from "./query-error.ts";
import type { Statement } from "./statement.ts";

/** A statement with its values, ready for a batch. */
export interface Call<Row> {
  readonly query: DriverQuery;
  decode(row: readonly unknown[]): Row;
}

type Answers<Calls extends readonly Call<unknown>[]> = {
  -readonly [Index in keyof Calls]: Calls[Index] extends Call<infer Row> ? Row[] : never;
};

/**
 * What every driver can do on the request path, and no more: single statements, and several in one transaction.
 * Both throw `DatabaseError` and nothing else.
 */
export interface Database {
  query<Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<Row[]>;
  /** All or nothing, in order, in one transaction. No statement can use what an earlier one answered. */
  batch<const Calls extends readonly Call<unknown>[]>(calls: Calls): Promise<Answers<Calls>>;
  /** Throws when the database is known to refuse writes although it answers, as on a full disk. Sends nothing. */
  assertWritable(): void;
}

/** What an opener gives: the database, and how to end what it holds. */
export interface OpenDatabase {
  readonly db: Database;
  /** Lets nothing new in and frees connections, files and locks. Calling it twice is fine. */
  close(): Promise<void>;
}

/** Statements that may be under way or waiting at once; beyond, callers are refused at once instead of piling up. */
const MAX_IN_FLIGHT = 512;

export interface DatabaseLimits {
  readonly maxInFlight?: number;
}

export function call<Values, Row>(statement: Statement<Values, Row>, values: Values): Call<Row> {
  const { name, text, reads } = statement;
  return { query: { name, text, reads, params: statement.bind(values) }, decode: statement.decode };
}

/** Puts the narrow type in front of a driver: bounds, one retry of reads on a dead connection, our errors. */
export function createDatabase(driver: Driver, { maxInFlight = MAX_IN_FLIGHT }: DatabaseLimits = {}): Database {
  let inFlight = 0;

  async function run<T>(retryable: boolean, work: () => Promise<T>): Promise<T> {
    if (inFlight >= maxInFlight) {
      throw new DatabaseError("DATABASE_UNAVAILABLE", "too many statements are waiting for the database", {
        retryAfterSeconds: 1,
      });
    }
    inFlight += 1;
    try {
      return await work().catch((error: unknown) => {
        if (retryable && isDroppedConnection(error)) return work();
        throw error;
      });
    } catch (error) {
      throw notMigrated(wrapDriverError(error));
    } finally {
      inFlight -= 1;
    }
  }

  return {
    async query(statement, values) {
      const { query, decode } = call(statement, values);
      const rows = await run(query.reads, () => driver.query(query));
      return rows.map(decode);
    },
    async batch(calls) {
      const answers = await run(false, () => driver.batch(calls.map(({ query }) => query)));
      return calls.map(({ decode }, index) => (answers[index] ?? []).map(decode)) as Answers<typeof calls>;
    },
    assertWritable: () => driver.assertWritable?.(),
  };
}

/** Undefined table and column (Postgres, appendix A): our statements name nothing that the migrations do not make. */
const MISSING = new Set(["42P01", "42703"]);

/** Worth trying again only after somebody has migrated. */
const NOT_MIGRATED_RETRY_SECONDS = 30;

/** The same error, or in its place one that names the command which makes the table or column that is missing. */
export function notMigrated(error: DatabaseError): DatabaseError {
  if (!MISSING.has(error.sqlState ?? "")) return error;
  return new DatabaseError(
    "DATABASE_UNAVAILABLE",
    "the database does not have the tables of this version: bring it up to date with gatehouse db migrate",
    { cause: error, sqlState: error.sqlState, retryAfterSeconds: NOT_MIGRATED_RETRY_SECONDS, notMigrated: true },
  );
}
