import { resolve } from "node:path";
import { makeFolder } from "../../cli/set-up/make-folder.mjs";
import type { OpenDatabase } from "../../db/database.ts";
import type { Log } from "../../middleware/log.ts";
import { readSettings, SettingsError } from "../config.ts";
import { createEdge, wireApp } from "../wire-app.ts";
import { createBackground } from "./background.ts";
import { createDaemonFetch } from "./daemon-fetch.ts";
import { openDatabase } from "./database.ts";
import { createNodeHasher } from "./hasher.ts";
import { type Fetch, type Listening, listen } from "./listen.ts";
import { createLog } from "./log.ts";
import { loadSigningKeys } from "./signing-keys.ts";

export interface RunningEdge {
  readonly url: string;
  readonly log: Log;
  /** Lets requests finish (3.5 s at most) and the background work they left, then frees port, threads, connections and locks. */
  close(): Promise<void>;
}

export interface StartEdgeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** While the database opens. `retry-after` is in seconds. */
const STARTING = { status: 503, headers: { "retry-after": "1" } };

/**
 * Runs the edge on Node. The port is taken first, so that a second start fails before it touches the database; until all is there,
 * it answers 503. Throws an Error with one sentence for people when something it needs is missing.
 */
export async function startEdge({ env, host, port }: StartEdgeOptions): Promise<RunningEdge> {
  let handle: Fetch = () => new Response(null, STARTING);
  const server = await listen({ fetch: (request, connection) => handle(request, connection), host, port });
  let database: OpenDatabase | undefined;
  try {
    const settings = readSettings(env, server.url);
    const dataDir = makeDataDir(env.DATA_DIR || ".data");
    const keys = await loadSigningKeys({ signingKeys: env.SIGNING_KEYS || undefined, dataDir });
    const log = createLog("edge");
    const opened = await openDatabase(settings, { dataDir, log });
    database = opened;
    const edge = createEdge({ settings, keys, hasher: createNodeHasher(settings.hasher), fetch: createDaemonFetch() });
    const background = createBackground(log);
    handle = wireApp(edge, { db: opened.db, background: background.run, log }).fetch;
    log.info({ url: server.url, database: settings.databaseDriver }, "edge is listening");
    return { url: server.url, log, close: () => close({ server, background, hasher: edge.hasher, database: opened }) };
  } catch (error) {
    await server.close();
    await database?.close();
    throw error;
  }
}

function makeDataDir(path: string): string {
  const dataDir = resolve(path);
  try {
    makeFolder(dataDir);
    return dataDir;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SettingsError(`DATA_DIR (${dataDir}) cannot be made: ${code}. Choose a folder this user may write.`, {
      cause,
    });
  }
}

/** In this order, so that whatever still runs has what it needs. */
async function close(parts: {
  server: Listening;
  background: { settled(): Promise<void> };
  hasher: { close(): Promise<void> };
  database: OpenDatabase;
}): Promise<void> {
  await parts.server.close();
  await parts.background.settled();
  await parts.hasher.close();
  await parts.database.close();
}
