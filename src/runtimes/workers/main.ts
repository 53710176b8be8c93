import { parseSigningKeys } from "../../auth/signing-keys.ts";
import { openNeon } from "../../db/drivers/neon.ts";
import { type EdgeSettings, readSettings, SettingsError } from "../config.ts";
import { createEdge, type Edge, wireApp } from "../wire-app.ts";
import { createWorkersHasher } from "./hasher.ts";
import { consoleLog } from "./log.ts";

type Bindings = Readonly<Record<string, unknown>>;

/** What an isolate keeps between requests: no connection and no promise of another request is in it. */
let edge: Edge | undefined;

export default {
  async fetch(request, bindings, context) {
    edge ??= await prepare(bindings);
    const database = openDatabase(edge.settings);
    const background: Promise<void>[] = [];
    const app = wireApp(edge, {
      db: database.db,
      log: consoleLog,
      background: (task, work) => {
        background.push(work().catch((err: unknown) => consoleLog.error({ task, err }, "background task failed")));
      },
    });
    try {
      return await app.fetch(request, {});
    } finally {
      context.waitUntil(Promise.all(background).finally(() => database.close()));
    }
  },
} satisfies ExportedHandler<Bindings>;

async function prepare(bindings: Bindings): Promise<Edge> {
  const settings = readSettings(bindings);
  if (!settings.databaseDriver.startsWith("neon")) {
    throw new SettingsError("On Workers the database is Neon: set DATABASE_URL to its address, or DATABASE_DRIVER.");
  }
  if (typeof bindings.SIGNING_KEYS !== "string") throw new SettingsError("SIGNING_KEYS is required on Workers.");
  const keys = await parseSigningKeys(bindings.SIGNING_KEYS).catch((error: Error) => {
    throw new SettingsError(`SIGNING_KEYS: ${error.message}`);
  });
  return createEdge({ settings, keys, hasher: createWorkersHasher(settings.hasher) });
}

/** For one request: a WebSocket may not outlive the request that opened it. */
function openDatabase({ databaseUrl = "", databaseDriver, neonLocalAddress }: EdgeSettings) {
  return openNeon({
    url: databaseUrl,
    mode: databaseDriver === "neon-ws" ? "ws" : "http",
    local: neonLocalAddress === undefined ? undefined : { address: neonLocalAddress },
  });
}
