import { Client as NeonClient, Pool as NeonPool, neon, neonConfig } from "@neondatabase/serverless";
import { createDatabase, type OpenDatabase } from "../database.ts";
import { connectClient } from "./client-connection.ts";
import {
  ANSWER_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  type Driver,
  type DriverQuery,
  STATEMENT_TIMEOUT_MS,
} from "./driver.ts";
import { poolDriver } from "./pool-driver.ts";
import { leadsThroughPooler } from "./pooler.ts";
import type { SqlConnection } from "./sql-connection.ts";
import { wireTypes } from "./wire-types.ts";

/** Where a Neon endpoint is when it is not Neon's: one on 127.0.0.1, as `host:port`. */
export interface LocalNeon {
  readonly address: string;
}

export interface OpenNeonOptions {
  readonly url: string;
  /** `http`: a request a statement, no state. `ws`: Postgres' protocol through a WebSocket; on Workers open and close it within one request. */
  readonly mode: "http" | "ws";
  /** Uses the endpoint there for every Neon connection of this process or isolate. */
  readonly local?: LocalNeon | undefined;
  /** For runtimes without a global `WebSocket` (Node before 22). */
  readonly webSocketConstructor?: typeof WebSocket | undefined;
  readonly maxConnections?: number;
}

const MAX_CONNECTIONS = 10;

/** Opens Neon through its own driver. Connects on first use, so opening never fails. */
export function openNeon({ url, mode, local, webSocketConstructor, maxConnections }: OpenNeonOptions): OpenDatabase {
  configureNeon({ local, webSocketConstructor });
  if (mode === "http") return { db: createDatabase(httpDriver(url)), close: () => Promise.resolve() };

  const pool = new NeonPool({
    connectionString: url,
    application_name: "gatehouse",
    max: maxConnections ?? MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Without it the answer's own timeout below ends the wait, and the connection with it.
    ...(leadsThroughPooler(url) ? {} : { statement_timeout: STATEMENT_TIMEOUT_MS }),
    query_timeout: ANSWER_TIMEOUT_MS,
  });
  pool.on("error", () => undefined);
  let ended: Promise<void> | undefined;
  return {
    db: createDatabase(poolDriver(pool, { prepare: false })),
    close() {
      ended ??= pool.end();
      return ended;
    },
  };
}

/**
 * Opens one connection through a WebSocket, without a time limit on statements. Goes past Neon's pooler, which keeps no
 * session and so no session lock. Throws `DatabaseError` when the database cannot be reached.
 */
export function connectNeon({
  url,
  local,
  webSocketConstructor,
}: Pick<OpenNeonOptions, "url" | "local" | "webSocketConstructor">): Promise<SqlConnection> {
  configureNeon({ local, webSocketConstructor });
  return connectClient(
    new NeonClient({
      connectionString: url.replace(/-pooler(\.[^/@]*neon\.tech)/, "$1"),
      application_name: "gatehouse",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    }),
  );
}

/** Neon's settings are global to the module; ours are the same for every connection of a process. */
function configureNeon({ local, webSocketConstructor }: Pick<OpenNeonOptions, "local" | "webSocketConstructor">) {
  neonConfig.disableWarningInBrowsers = true;
  if (webSocketConstructor !== undefined) neonConfig.webSocketConstructor = webSocketConstructor;
  if (local === undefined) return;
  neonConfig.fetchEndpoint = `http://${local.address}/sql`;
  neonConfig.wsProxy = `${local.address}/v2`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineTLS = false;
  neonConfig.pipelineConnect = false;
}

function httpDriver(url: string): Driver {
  const sql = neon(url, { arrayMode: true });
  const prepared = ({ text, params }: DriverQuery) => sql.query(text, [...params], { types: wireTypes });
  const bounded = () => ({ fetchOptions: { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS + ANSWER_TIMEOUT_MS) } });

  return {
    query: ({ text, params }) => sql.query(text, [...params], { types: wireTypes, ...bounded() }),
    batch: (queries) => sql.transaction(queries.map(prepared), bounded()),
  };
}
