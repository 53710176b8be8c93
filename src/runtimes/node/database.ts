import { WebSocket } from "undici";
import type { OpenDatabase } from "../../db/database.ts";
import { openNeon } from "../../db/drivers/neon.ts";
import { openPglite } from "../../db/drivers/pglite.ts";
import { openTcp } from "../../db/drivers/tcp.ts";
import { migrateAtStart } from "../../db/migrator/migrate.ts";
import type { EdgeSettings } from "../config.ts";

/**
 * Opens the database the settings ask for. PGlite, under `dataDir`, is ours alone and is brought up to date here; a server's migrations
 * wait for `gatehouse db migrate`. Throws DatabaseError, or MigrationError for PGlite.
 */
export async function openDatabase(
  { databaseUrl = "", databaseDriver, neonLocalAddress }: EdgeSettings,
  dataDir: string,
): Promise<OpenDatabase> {
  switch (databaseDriver) {
    case "pglite":
      return openMigratedPglite(dataDir);
    case "tcp":
      return openTcp({ url: databaseUrl });
    case "neon-http":
    case "neon-ws":
      return openNeon({
        url: databaseUrl,
        mode: databaseDriver === "neon-ws" ? "ws" : "http",
        local: neonLocalAddress === undefined ? undefined : { address: neonLocalAddress },
        webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      });
  }
}

async function openMigratedPglite(dataDir: string): Promise<OpenDatabase> {
  const pglite = await openPglite({ dataDir });
  try {
    await migrateAtStart(pglite);
    return pglite;
  } catch (error) {
    await pglite.close();
    throw error;
  }
}
