/** One statement as a driver gets it. Parameters are strings, numbers, booleans, bytes or null. */
export interface DriverQuery {
  readonly name: string;
  readonly text: string;
  readonly params: readonly unknown[];
  readonly reads: boolean;
}

/** Rows as arrays in the order of the statement's fields, values as `wire-types.ts` reads them. */
export type DriverRow = readonly unknown[];

/** What a driver has to bring. It throws its library's own errors; `query-error.ts` makes them ours. */
export interface Driver {
  query(query: DriverQuery): Promise<readonly DriverRow[]>;
  /** In order, in one transaction. */
  batch(queries: readonly DriverQuery[]): Promise<readonly (readonly DriverRow[])[]>;
  /** Throws `DatabaseError` when it would refuse to write. Not there where only the server can know. */
  assertWritable?(): void;
}

/** Time to a usable connection, waiting for a free one included. A Neon database that sleeps needs seconds to wake. */
export const CONNECT_TIMEOUT_MS = 8_000;

/** Time a statement may run; the server ends it then. */
export const STATEMENT_TIMEOUT_MS = 5_000;

/** Time after which we stop waiting for an answer, should the server not have ended the statement itself. */
export const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1_000;
