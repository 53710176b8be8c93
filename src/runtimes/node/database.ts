import { WebSocket } from "undici";
import { normalAddress } from "../../auth/email-address.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { openNeon } from "../../db/drivers/neon.ts";
import { openTcp } from "../../db/drivers/tcp.ts";
import { migrateAtStart } from "../../db/migrator/migrate.ts";
import type { Log } from "../../middleware/log.ts";
import type { EdgeSettings } from "../config.ts";
import { openEmbedded } from "./embedded-database.ts";

/**
 * Opens the database the settings ask for. PGlite, under `dataDir`, is ours alone and is brought up to date here; a server's migrations
 * wait for `gatehouse db migrate`. Throws DatabaseError, or MigrationError for PGlite.
 */
export async function openDatabase(
  { databaseUrl = "", databaseDriver, neonLocalAddress }: EdgeSettings,
  { dataDir, log }: { readonly dataDir: string; readonly log: Log },
): Promise<OpenDatabase> {
  switch (databaseDriver) {
    case "pglite":
      return openEmbedded({
        dataDir,
        prepare: (target) => migrateAtStart(target, { normalAddress }),
        onChange: ({ open, sentence, cause }) => (open ? log.info({}, sentence) : log.error({ err: cause }, sentence)),
      });
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
