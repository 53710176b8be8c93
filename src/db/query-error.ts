import { DatabaseError } from "../errors.ts";

/** SQLSTATE classes after which the same statement may well succeed a little later (Postgres, appendix A). */
const TRANSIENT: readonly { readonly state: RegExp; readonly sentence: string }[] = [
  {
    state: /^08P01$/,
    sentence: "the database did not accept our connection (behind PgBouncer, add ?pgbouncer=true to DATABASE_URL)",
  },
  { state: /^08/, sentence: "the connection to the database was lost" },
  { state: /^40/, sentence: "the statement conflicted with another and was undone" },
  { state: /^57014$/, sentence: "the database took too long to answer" },
  {
    state: /^25P03$/,
    sentence:
      "others waited for the end of the transaction, so it was cut off and undone (for long work, such as `users import`, stop the edge first)",
  },
  { state: /^57P0/, sentence: "the database is shutting down or starting" },
  { state: /^53/, sentence: "the database has no room or no free connection" },
  { state: /^55P03$/, sentence: "the database could not get a lock in time" },
  { state: /^25006$/, sentence: "the database only answers reads at the moment" },
  { state: /^28P01$/, sentence: "the database refused the user or the password (see DATABASE_URL)" },
  {
    state: /^28/,
    sentence: "the database refused the user or the password, or connections from here (see DATABASE_URL)",
  },
  { state: /^3D/, sentence: "the database server has no database of this name (see DATABASE_URL)" },
  { state: /^XX/, sentence: "the database failed within itself" },
  { state: /^58/, sentence: "the database could not read or write its files" },
];

const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
]);

/** The drivers throw these as plain errors; pg, pg-pool, Neon over HTTP and its WebSocket, in that order. */
const UNREACHABLE =
  /Connection terminated|Client has encountered a connection error|Client was closed|not queryable|timeout exceeded|Query read timeout|timeout expired|end on the pool|Error connecting to database|Server error \(HTTP status (?:429|5\d\d)\)|WebSocket|TimeoutError|AbortError|Network connection lost/i;

/** Always with a digit, unlike the system's error codes (`EPIPE`). */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

const RETRY_AFTER_SECONDS = 1;

/** Class 42 names tables and columns, GH is what our own migrations raise: neither quotes a value. */
const SAYS_NO_VALUE = /^(42|GH)/;

/** True when the statement's connection was dead: what was sent reached nobody, or nobody could answer. */
export function isDroppedConnection(error: unknown): boolean {
  const { state, networkCode, message } = facts(error);
  if (state !== undefined) return /^(08|57P0[1-3])/.test(state);
  return (
    ["ECONNRESET", "EPIPE", "ECONNABORTED"].includes(networkCode ?? "") ||
    /Connection terminated|Client has encountered a connection error|not queryable/i.test(message)
  );
}

/** Turns whatever a driver threw into ours. The cause keeps stack and codes; messages that may hold values are dropped. */
export function wrapDriverError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const seen = facts(error);
  if (seen.state !== undefined) return refusal(error, { ...seen, state: seen.state });
  if (seen.networkCode !== undefined || UNREACHABLE.test(`${seen.name} ${seen.message}`)) {
    return new DatabaseError("DATABASE_UNAVAILABLE", "the database cannot be reached", {
      cause: withoutValues(error, seen.networkCode),
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
  return new DatabaseError("QUERY_FAILED", "a statement failed", { cause: withoutValues(error, undefined) });
}

/** Postgres answered, with a SQLSTATE. */
function refusal(
  error: unknown,
  { state, constraint, message, hint }: Facts & { readonly state: string },
): DatabaseError {
  const options = { cause: withoutValues(error, state), sqlState: state };
  if (state === "23505") {
    return new DatabaseError("UNIQUE_VIOLATION", "a row with this value is already there", { ...options, constraint });
  }
  const transient = TRANSIENT.find((entry) => entry.state.test(state));
  if (transient !== undefined) {
    return new DatabaseError("DATABASE_UNAVAILABLE", transient.sentence, {
      ...options,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
  const said = SAYS_NO_VALUE.test(state) ? [message, hint].filter((part) => part !== undefined).join(". ") : undefined;
  return new DatabaseError("QUERY_FAILED", said ?? `the database refused a statement (SQLSTATE ${state})`, options);
}

interface Facts {
  readonly state: string | undefined;
  readonly networkCode: string | undefined;
  readonly constraint: string | undefined;
  readonly name: string;
  readonly message: string;
  readonly hint: string | undefined;
}

function facts(error: unknown): Facts {
  const seen = typeof error === "object" && error !== null ? (error as Record<string, unknown>) : {};
  const source = typeof seen.sourceError === "object" ? (seen.sourceError as Record<string, unknown>) : undefined;
  const code = typeof seen.code === "string" ? seen.code : undefined;
  return {
    state: code !== undefined && SQLSTATE.test(code) ? code : undefined,
    networkCode: [code, source?.code].find(
      (value): value is string => typeof value === "string" && NETWORK_CODES.has(value),
    ),
    constraint: typeof seen.constraint === "string" ? seen.constraint : undefined,
    name: String(seen.name),
    message: String(seen.message),
    hint: typeof seen.hint === "string" ? seen.hint : undefined,
  };
}

/** Postgres quotes values in messages and details, and causes end in logs: keep where it happened, drop what was said. */
function withoutValues(error: unknown, code: string | undefined): Error {
  const original = error instanceof Error ? error : new Error("not an Error");
  const cause = new Error(code === undefined ? "the driver's message is withheld" : `database code ${code}`);
  cause.name = original.name;
  const frames = original.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  cause.stack = [`${cause.name}: ${cause.message}`, ...frames].join("\n");
  return cause;
}
