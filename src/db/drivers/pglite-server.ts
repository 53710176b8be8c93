import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { PgliteBackend, Turn } from "./pglite-backend.ts";
import { endsIdle, type FrontendMessage, FrontendReader, queryMessage, SYNC, saysPanic } from "./pglite-messages.ts";

export interface ServePgliteOptions {
  /** A client that leaves a transaction open this long is cut off: the owner's requests wait for it. */
  readonly idleInTransactionMs?: number;
}

export interface PgliteServer {
  close(): Promise<void>;
}

/** The name under which psql and pg look for a server in a folder given as host. */
const SOCKET_NAME = ".s.PGSQL.5432";

/** Bytes a socket's path may have on every Unix (macOS: 104 with the NUL). */
const MAX_PATH_BYTES = 103;

const MAX_CONNECTIONS = 16;

const IDLE_IN_TRANSACTION_MS = 5_000;

/** A url for `openTcp` and `connectTcp` that leads to the owner of `dataDir`, an absolute path. */
export function pgliteSocketUrl(dataDir: string): string {
  return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(dataDir)}`;
}

function pgliteSocketPath(dataDir: string): string {
  return join(dataDir, SOCKET_NAME);
}

/** False where the folder's path is too long for a socket; then nobody but the owner reaches the database. */
export function canServePglite(dataDir: string): boolean {
  return Buffer.byteLength(pgliteSocketPath(dataDir)) <= MAX_PATH_BYTES;
}

/**
 * Serves the owner's PGlite to other programs of the same user: a Unix socket, mode 0600, in `dataDir`. Who holds the
 * folder's lock calls this, so a socket already there is nobody's.
 *
 * PGlite is one backend for everybody, on the owner's own thread: while a client's statement runs, the owner does nothing else. pglite-socket takes turns by message, so that one client's Bind can meet another's
 * Parse and the owner's statements run inside a client's transaction; here a turn lasts until the client is idle again.
 */
export function servePglite(
  dataDir: string,
  backend: PgliteBackend,
  { idleInTransactionMs = IDLE_IN_TRANSACTION_MS }: ServePgliteOptions = {},
): Promise<PgliteServer> {
  const path = pgliteSocketPath(dataDir);
  const clients = new Set<Socket>();
  const conversations = new Set<Promise<void>>();
  const server = createServer((socket) => {
    clients.add(socket);
    const conversation = converse(socket, new Client(socket, backend, idleInTransactionMs)).finally(() => {
      clients.delete(socket);
      conversations.delete(conversation);
    });
    conversations.add(conversation);
  });
  server.maxConnections = MAX_CONNECTIONS;
  rmSync(path, { force: true });

  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // Bound with these rights from the first moment: nobody else gets in between listen and chmod.
    const umask = process.umask(0o177);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve({
        async close() {
          const closed = new Promise<void>((done) => server.close(() => done()));
          for (const socket of clients) socket.destroy();
          await Promise.all([closed, ...conversations]);
        },
      });
    });
    process.umask(umask);
  });
}

async function converse(socket: Socket, client: Client): Promise<void> {
  const reader = new FrontendReader();
  try {
    for await (const chunk of socket) {
      for (const message of reader.push(chunk as Buffer)) {
        if (!(await client.receive(message))) return;
      }
    }
  } catch {
    // A client that vanishes or does not speak the protocol ends its own conversation, nothing else.
  } finally {
    socket.destroy();
    await client.leave();
  }
}

class Client {
  private turn: Turn | undefined;
  private idle: NodeJS.Timeout | undefined;
  private started = false;

  constructor(
    private readonly socket: Socket,
    private readonly backend: PgliteBackend,
    private readonly idleInTransactionMs: number,
  ) {}

  /** False when the conversation is over. Throws when no turn comes in time. */
  async receive(message: FrontendMessage): Promise<boolean> {
    switch (message.kind) {
      case "encryption":
        this.socket.write("N");
        return true;
      case "cancel":
      case "terminate":
        return false;
      case "startup":
      case "other":
        this.started = true;
        await this.pass(message.bytes);
        return true;
    }
  }

  /** Leaves the backend as a fresh connection would find it. */
  async leave(): Promise<void> {
    clearTimeout(this.idle);
    if (!this.started) return;
    try {
      for (const message of [SYNC, queryMessage("rollback"), queryMessage("discard all")]) await this.send(message);
    } catch {
      // Broken or closed: nothing of the client is left in it.
    } finally {
      this.turn?.end();
    }
  }

  private async pass(bytes: Uint8Array): Promise<void> {
    clearTimeout(this.idle);
    if (await this.send(bytes)) {
      this.turn?.end();
      this.turn = undefined;
    } else {
      this.idle = setTimeout(() => this.socket.destroy(), this.idleInTransactionMs);
    }
  }

  /** True when the client is idle after it. */
  private async send(bytes: Uint8Array): Promise<boolean> {
    this.turn ??= await this.backend.take();
    const { pglite } = this.turn;
    let idle = false;
    let panicked = false;
    await this.backend.watch(() =>
      pglite.execProtocolRawStream(bytes, {
        onRawData: (answer) => {
          idle = endsIdle(answer);
          panicked ||= saysPanic(answer);
          // PGlite reuses the memory behind it for the next answer.
          if (this.socket.writable) this.socket.write(Buffer.from(answer));
        },
      }),
    );
    if (panicked) {
      this.backend.declareBroken();
      throw new Error("the embedded database panicked");
    }
    return idle;
  }
}
