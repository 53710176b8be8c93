import pg from "pg";
import { createDatabase, type OpenDatabase } from "../database.ts";
import { connectClient } from "./client-connection.ts";
import { ANSWER_TIMEOUT_MS, CONNECT_TIMEOUT_MS, type Driver, STATEMENT_TIMEOUT_MS } from "./driver.ts";
import { poolDriver } from "./pool-driver.ts";
import { leadsThroughPooler } from "./pooler.ts";
import type { SqlConnection } from "./sql-connection.ts";

export interface OpenTcpOptions {
  /** `postgres://…`; a `host` parameter that is an absolute path means a Unix socket in that folder. */
  readonly url: string;
  readonly applicationName?: string;
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  /** See `PoolDriverOptions`. Off behind a pooler, and for PGlite's socket, whose clients share one backend. */
  readonly prepare?: boolean;
}

const APPLICATION_NAME = "gatehouse";
const MAX_CONNECTIONS = 10;
const IDLE_TIMEOUT_MS = 30_000;

/** Opens a pool to any Postgres. Connects on first use, so opening never fails. */
export function openTcp(options: OpenTcpOptions): OpenDatabase {
  const { driver, close } = openTcpDriver(options);
  return { db: createDatabase(driver), close };
}

/** The same as a driver. */
export function openTcpDriver({
  url,
  applicationName = APPLICATION_NAME,
  maxConnections = MAX_CONNECTIONS,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
  prepare = !leadsThroughPooler(url),
}: OpenTcpOptions): { readonly driver: Driver; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max: maxConnections,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    connectionTimeoutMillis: connectTimeoutMs,
    // Without it the answer's own timeout below ends the wait, and the connection with it.
    ...(leadsThroughPooler(url) ? {} : { statement_timeout: statementTimeoutMs }),
    query_timeout: statementTimeoutMs + ANSWER_TIMEOUT_MS - STATEMENT_TIMEOUT_MS,
    keepAlive: true,
  });
  // The pool drops an idle connection that fails and the next statement opens another; unheard, the event would end the process.
  pool.on("error", () => undefined);

  return {
    driver: poolDriver(pool, { prepare }),
    close: once(() => pool.end()),
  };
}

function once(end: () => Promise<void>): () => Promise<void> {
  let ended: Promise<void> | undefined;
  return () => {
    ended ??= end();
    return ended;
  };
}

/** Opens one connection without a time limit on statements. Throws `DatabaseError` when the database cannot be reached. */
export function connectTcp({
  url,
  applicationName = APPLICATION_NAME,
}: Pick<OpenTcpOptions, "url" | "applicationName">): Promise<SqlConnection> {
  return connectClient(
    new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    }),
  );
}
