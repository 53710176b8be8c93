import { once } from "node:events";
import { chmodSync, mkdtempSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { PgliteBackend } from "./backend.ts";
import { PgliteClient } from "./client.ts";
import { PgliteMaintenance } from "./maintenance.ts";
import { socketPath } from "./socket.ts";

export interface PgliteServer {
  close(): Promise<void>;
}

/** Clients at once that are not the owner, and conversations that begin or end besides. */
const MAX_CLIENTS = 16;
const MAX_CONVERSATIONS = 64;

/**
 * Serves a PGlite to programs of the same user: a Unix socket, mode 0600, in `folder`. Who holds the lock of the database calls
 * this, so a socket already there is nobody's.
 *
 * PGlite is one backend for everybody. pglite-socket takes turns by message, so that one client's Bind can meet another's Parse;
 * here a turn lasts until the client is idle again.
 */
export async function servePglite(folder: string, backend: PgliteBackend): Promise<PgliteServer> {
  const maintenance = new PgliteMaintenance(backend);
  const conversations = new Map<PgliteClient, { end(): void; readonly ended: Promise<void> }>();
  const server = createServer((socket) => {
    if (conversations.size >= MAX_CONVERSATIONS) {
      socket.destroy();
      return;
    }
    const client = new PgliteClient({
      socket,
      backend,
      hasRoom: () => [...conversations.keys()].filter(({ isOwner }) => !isOwner).length <= MAX_CLIENTS,
      onTurnEnded: () => maintenance.turnEnded(),
    });
    const ended = client.converse().finally(() => conversations.delete(client));
    conversations.set(client, { end: () => socket.destroy(), ended });
  });
  const path = await listen(server, folder);
  return {
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      rmSync(path, { force: true });
      for (const { end } of conversations.values()) end();
      await Promise.all([closed, ...[...conversations.values()].map(({ ended }) => ended)]);
    },
  };
}

/** Binds the socket in a private folder and moves it to its place once nobody else can connect: a thread has no umask of its own. */
async function listen(server: Server, folder: string): Promise<string> {
  const hidden = mkdtempSync(join(folder, "s-"));
  server.listen(join(hidden, "s"));
  await once(server, "listening");
  chmodSync(join(hidden, "s"), 0o600);
  renameSync(join(hidden, "s"), socketPath(folder));
  rmdirSync(hidden);
  return socketPath(folder);
}
