import { once } from "node:events";
import { existsSync, rmSync, statSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PgliteBackend } from "../../../../src/db/drivers/pglite-backend.ts";
import { type PgliteServer, pgliteSocketUrl, servePglite } from "../../../../src/db/drivers/pglite-server.ts";
import { connectTcp } from "../../../../src/db/drivers/tcp.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";

const IDLE_IN_TRANSACTION_MS = 200;

let dataDir: string;
let backend: PgliteBackend;
let server: PgliteServer;

beforeAll(async () => {
  dataDir = await freshDataDir();
  backend = await PgliteBackend.open(join(dataDir, "pglite"));
  server = await servePglite(dataDir, backend, { idleInTransactionMs: IDLE_IN_TRANSACTION_MS });
  await asOwner("create table notes (text text)");
});
afterAll(async () => {
  await server.close();
  expect(existsSync(join(dataDir, ".s.PGSQL.5432"))).toBe(false);
  await backend.close();
  rmSync(dataDir, { recursive: true });
});

const connect = () => connectTcp({ url: pgliteSocketUrl(dataDir) });

/** A statement of the owner's, as its driver sends it. */
async function asOwner(text: string): Promise<unknown[]> {
  const { pglite, end } = await backend.take();
  try {
    return (await pglite.query(text)).rows;
  } finally {
    end();
  }
}

describe("the embedded database's socket", () => {
  it("is for the same user only", () => {
    expect(statSync(join(dataDir, ".s.PGSQL.5432")).mode & 0o777).toBe(0o600);
  });

  it("keeps clients and owner out of each other's statements", async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, connect));
    const asked = clients.map(async (client, number) => {
      for (let index = 0; index < 50; index += 1) {
        const value = `${number}:${index}`;
        expect(await client.query("select $1::text, $2::int", [value, index])).toEqual([[value, index]]);
      }
    });
    const owner = Array.from({ length: 50 }, async (_, index) => {
      expect(await asOwner(`select ${index} as n`)).toEqual([{ n: index }]);
    });
    await Promise.all([...asked, ...owner]);
    await Promise.all(clients.map((client) => client.close()));
  });

  it("lets the owner's statements wait for a client's transaction instead of running inside it", async () => {
    const client = await connect();
    await client.query("begin");
    await client.query("insert into notes values ('of the client')");
    const insert = asOwner("insert into notes values ('of the owner')");
    await client.query("rollback");
    await insert;
    expect(await asOwner("select text from notes")).toEqual([{ text: "of the owner" }]);
    await client.close();
  });

  it("leaves nothing of a client behind: no setting, no lock, no open transaction", async () => {
    const client = await connect();
    await client.query("set statement_timeout = '7min'");
    await client.query("select pg_advisory_lock(1)");
    await client.query("begin");
    await client.query("insert into notes values ('never committed')");
    await client.close();
    expect(await asOwner("show statement_timeout")).toEqual([{ statement_timeout: "0" }]);
    expect(await asOwner("select count(*)::int as n from notes where text like 'never%'")).toEqual([{ n: 0 }]);
    expect(await asOwner("select count(*)::int as n from pg_locks where locktype = 'advisory'")).toEqual([{ n: 0 }]);
  });

  it("cuts off a client that leaves a transaction open, and undoes it", async () => {
    const client = await connect();
    await client.query("begin");
    await client.query("insert into notes values ('forgotten')");
    const owner = asOwner("select count(*)::int as n from notes where text = 'forgotten'");
    expect(await owner).toEqual([{ n: 0 }]);
    await expect(client.query("commit")).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    await client.close();
  });

  it("ends a conversation that is not Postgres' protocol, and no other", async () => {
    const client = await connect();
    for (const nonsense of ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\x03", "\xff\xff\xff\xff1234"]) {
      const socket = connectSocket(join(dataDir, ".s.PGSQL.5432"));
      socket.end(Buffer.from(nonsense, "latin1"));
      socket.resume();
      await once(socket, "close");
    }
    expect(await client.query("select 1")).toEqual([[1]]);
    await client.close();
  });
});
