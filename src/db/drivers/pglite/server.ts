import { once } from "node:events";
import { chmodSync, mkdtempSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { PgliteBackend } from "./backend.ts";
import { PgliteClient } from "./client.ts";
import { Conversations } from "./conversations.ts";
import { identityAt, isSame } from "./identity.ts";
import { PgliteMaintenance } from "./maintenance.ts";
import { socketPath } from "./socket.ts";

export interface PgliteServer {
  close(): Promise<void>;
}

/** Time until a connection has said who it is. */
const STARTUP_TIMEOUT_MS = 5_000;

export interface ServePgliteOptions {
  readonly startupTimeoutMs?: number;
}

/**
 * Serves a PGlite to programs of the same user: a Unix socket, mode 0600, in `folder`. Who holds the lock of the database calls
 * this, so a socket already there is nobody's.
 *
 * PGlite is one backend for everybody. pglite-socket takes turns by message, so that one client's Bind can meet another's Parse;
 * here a turn lasts until the client is idle again.
 */
export async function servePglite(
  folder: string,
  backend: PgliteBackend,
  { startupTimeoutMs = STARTUP_TIMEOUT_MS }: ServePgliteOptions = {},
): Promise<PgliteServer> {
  const maintenance = new PgliteMaintenance(backend);
  const conversations = new Conversations();
  const onTurnEnded = () => maintenance.turnEnded();
  const server = createServer((socket) => {
    conversations.begin(new PgliteClient({ socket, backend, conversations, startupTimeoutMs, onTurnEnded }));
  });
  const path = await listen(server, folder);
  const own = identityAt(path);
  return {
    async close() {
      // Another owner's socket may be there by now. While ours listens, the kernel gives its number to no other.
      if (isSame(identityAt(path), own)) rmSync(path, { force: true });
      const closed = new Promise<void>((done) => server.close(() => done()));
      await Promise.all([closed, conversations.end()]);
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
