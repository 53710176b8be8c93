import { once } from "node:events";
import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PgliteBackend } from "../../../../../src/db/drivers/pglite/backend.ts";
import { OWNER } from "../../../../../src/db/drivers/pglite/client.ts";
import { BusyDeadline } from "../../../../../src/db/drivers/pglite/deadline.ts";
import { ExclusiveTurns } from "../../../../../src/db/drivers/pglite/exclusive-turns.ts";
import { type PgliteServer, servePglite } from "../../../../../src/db/drivers/pglite/server.ts";
import { socketUrl } from "../../../../../src/db/drivers/pglite/socket.ts";
import type { SqlConnection } from "../../../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../../../src/db/drivers/tcp.ts";
import { freshDataDir } from "../../../../fixtures/pglite-folder.ts";

const PATIENCE_MS = 200;
const CUT_OFF =
  "others waited for the end of the transaction, so it was cut off and undone (for long work, such as `users import`, stop the edge first)";

let dataDir: string;
let backend: PgliteBackend;
let server: PgliteServer;
let owner: SqlConnection;

beforeAll(async () => {
  dataDir = await freshDataDir();
  backend = await PgliteBackend.open({
    folder: join(dataDir, "pglite"),
    deadline: new BusyDeadline(),
    onBroken: () => expect.unreachable("the database broke"),
    turns: new ExclusiveTurns(PATIENCE_MS),
  });
  server = await servePglite(dataDir, backend);
  owner = await connectTcp({ url: socketUrl(dataDir), applicationName: OWNER });
  await asOwner("create table notes (text text)");
});
afterAll(async () => {
  await owner.close();
  await server.close();
  expect(readdirSync(dataDir)).toEqual(["pglite"]);
  await backend.close();
  rmSync(dataDir, { recursive: true });
});

const connect = () => connectTcp({ url: socketUrl(dataDir) });
const asOwner = (text: string) => owner.query(text);

/** A message of a client, or of another length than it says. */
function frame(type: string, body = "", length = 4 + body.length): string {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return `${type}${head.toString("latin1")}${body}`;
}

function startup(version = 0x30000, parameters = "user\0me\0\0"): string {
  const code = Buffer.alloc(4);
  code.writeUInt32BE(version);
  return frame("", `${code.toString("latin1")}${parameters}`);
}

/** Says these bytes. `until` gives the types of the messages that came since, the status after a `Z`, once they end like this. */
function speak(bytes: string) {
  const socket = connectSocket(join(dataDir, ".s.PGSQL.5432"));
  const closed = new Promise((resolve) => socket.on("error", () => undefined).once("close", resolve));
  let said = Buffer.alloc(0);
  let types = "";
  let told: () => void = () => undefined;
  socket.on("data", (chunk) => {
    said = Buffer.concat([said, chunk]);
    while (said.length >= 5 && said.length > said.readUInt32BE(1)) {
      const type = String.fromCharCode(said.readUInt8(0));
      types += type === "Z" ? `Z${String.fromCharCode(said.readUInt8(5))}` : type;
      said = said.subarray(1 + said.readUInt32BE(1));
    }
    told();
  });
  socket.write(bytes, "latin1");
  const until = async (end: string) => {
    while (!types.endsWith(end)) await new Promise<void>((resolve) => (told = resolve));
    const since = types;
    types = "";
    return since;
  };
  return { socket, closed, until };
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
    const ours = Array.from({ length: 50 }, async (_, index) => {
      expect(await asOwner(`select ${index} as n`)).toEqual([[index]]);
    });
    await Promise.all([...asked, ...ours]);
    await Promise.all(clients.map((client) => client.close()));
  });

  it("lets the owner's statements wait for a client's transaction instead of running inside it", async () => {
    const client = await connect();
    await client.query("begin");
    await client.query("insert into notes values ('of the client')");
    const insert = asOwner("insert into notes values ('of the owner')");
    await client.query("rollback");
    await insert;
    expect(await asOwner("select text from notes")).toEqual([["of the owner"]]);
    await client.close();
  });

  it("leaves nothing of a client behind: no setting, no lock, no open transaction", async () => {
    const client = await connect();
    await client.query("set statement_timeout = '7min'");
    await client.query("select pg_advisory_lock(1)");
    await client.query("begin");
    await client.query("insert into notes values ('never committed')");
    await client.close();
    expect(await asOwner("show statement_timeout")).toEqual([["0"]]);
    expect(await asOwner("select count(*)::int as n from notes where text like 'never%'")).toEqual([[0]]);
    expect(await asOwner("select count(*)::int as n from pg_locks where locktype = 'advisory'")).toEqual([[0]]);
  });

  it.each([
    ["a role", "set role pg_monitor", "select current_user", "postgres"],
    ["another session's role", "set session authorization pg_monitor", "select session_user", "postgres"],
    ["a search path", "set search_path = pg_catalog", "show search_path", "public"],
    ["a date style", "set datestyle = German", "select '2020-02-01'::date::text", "2020-02-01"],
    ["a time zone", "set timezone = 'Asia/Tokyo'", "show timezone", "UTC"],
    ["an encoding", "set client_encoding = LATIN1", "show client_encoding", "UTF8"],
    ["a refusal to write", "set default_transaction_read_only = on", "show transaction_read_only", "off"],
    [
      "a temporary table",
      "create temp table notes (text text)",
      "select relnamespace::regnamespace::text from pg_class where oid = 'notes'::regclass",
      "public",
    ],
    ["an advisory lock", "select pg_advisory_lock(2)", "select count(*)::text from pg_locks where objid = 2", "0"],
    ["a channel", "listen gossip", "select count(*)::text from pg_listening_channels()", "0"],
    ["a statement", "prepare s as select 1", "select count(*)::text from pg_prepared_statements", "0"],
    [
      "a cursor",
      "declare c cursor with hold for select 1",
      "select count(*)::text from pg_cursors where name = 'c'",
      "0",
    ],
  ])("shows nobody %s of a client that is still there", async (_, setting, look, expected) => {
    const client = await connect();
    const another = await connect();
    await client.query(setting);
    expect(await client.query(look)).not.toEqual([[expected]]);
    expect(await asOwner(look)).toEqual([[expected]]);
    await client.query(setting);
    expect(await another.query(look)).toEqual([[expected]]);
    await client.query(setting);
    await backend.maintain(async (pglite) => {
      expect((await pglite.query(look, [], { rowMode: "array" })).rows).toEqual([[expected]]);
    });
    await Promise.all([client.close(), another.close()]);
  });

  it("leaves a client its settings while nobody else has a turn", async () => {
    const client = await connect();
    await client.query("set timezone = 'Asia/Tokyo'");
    expect(await client.query("show timezone")).toEqual([["Asia/Tokyo"]]);
    await client.close();
  });

  it("cuts off a client that leaves a transaction open once somebody waits for it, and undoes it", async () => {
    const client = await connect();
    await client.query("begin");
    await client.query("insert into notes values ('forgotten')");
    expect(await asOwner("select count(*)::int as n from notes where text = 'forgotten'")).toEqual([[0]]);
    await expect(client.query("commit")).rejects.toMatchObject({ message: CUT_OFF });
    await client.close();
  });

  it("gives the turn back after an answer of whatever length: PGlite cuts its output at 8,192 bytes", async () => {
    const client = await connect();
    for (let length = 8_130; length < 8_145; length += 1) {
      await client.query(`select repeat('x', ${length})`);
      expect(await asOwner("select 1")).toEqual([[1]]);
    }
    await client.close();
  });

  it("cuts off a client whose transaction goes on and on while somebody waits", async () => {
    const client = await connect();
    await client.query("begin");
    const waiting = asOwner("select 1");
    const goingOn = async () => {
      for (;;) await client.query("select 1");
    };
    await expect(goingOn()).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      message: CUT_OFF,
    });
    expect(await waiting).toEqual([[1]]);
    await client.close();
  });

  it("keeps room for the owner when others take all there is, and says so to those", async () => {
    const others: SqlConnection[] = [];
    const takeAll = async () => {
      for (;;) others.push(await connect());
    };
    await expect(takeAll()).rejects.toMatchObject({ message: "the database has no room or no free connection" });
    expect(others).toHaveLength(16);
    const another = await connectTcp({ url: socketUrl(dataDir), applicationName: OWNER });
    expect(await another.query("select 1")).toEqual([[1]]);
    await another.close();
    await Promise.all(others.map((other) => other.close()));
  });

  it("keeps room for owner and clients when hundreds of connections say nothing", async () => {
    const silent = Array.from({ length: 300 }, () => connectSocket(join(dataDir, ".s.PGSQL.5432")));
    await Promise.all(silent.map((socket) => once(socket, "connect")));
    for (const connection of [await connectTcp({ url: socketUrl(dataDir), applicationName: OWNER }), await connect()]) {
      expect(await connection.query("select 1")).toEqual([[1]]);
      await connection.close();
    }
    for (const socket of silent) socket.destroy();
  });

  it("ends a connection that does not say in time who it is, also one that asks for encryption again and again", async () => {
    const folder = join(dataDir, "impatient");
    mkdirSync(folder);
    const impatient = await servePglite(folder, backend, { startupTimeoutMs: 50 });
    const socket = connectSocket(join(folder, ".s.PGSQL.5432"));
    const ask = () => socket.write(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]));
    socket.on("data", ask).on("error", () => undefined);
    ask();
    await new Promise((closed) => socket.once("close", closed));
    await impatient.close();
    rmdirSync(folder);
  });

  it.each([
    ["HTTP", "GET / HTTP/1.1\r\n\r\n"],
    ["half a message", "\0\0\0\x03"],
    ["an impossible length", "\xff\xff\xff\xff1234"],
    ["version 2.0", startup(0x20000)],
    ["version 9.0", startup(0x90000)],
    ["a startup without its last NUL", "\0\0\0\x0c\0\x03\0\0user"],
    ["a startup that goes on after its end", startup(0x30000, "user\0me\0\0no end\0")],
    ["an unknown type", `${startup()}${frame("z", "hello")}`],
    ["a password that nobody asked for", `${startup()}${frame("p", "secret\0")}`],
    ["another startup", `${startup()}${startup()}`],
    ["a Sync with a megabyte", `${startup()}${frame("S", " ".repeat(1024 * 1024))}`],
  ])("ends a conversation with %s, and no other", async (_, nonsense) => {
    const client = await connect();
    const { socket, closed } = speak(nonsense);
    if (nonsense.length === 4) socket.end();
    await closed;
    expect(await client.query("select 1")).toEqual([[1]]);
    await client.close();
  });

  it("passes over what a client says after an error until its Sync, as Postgres does", async () => {
    const { socket, until } = speak(startup());
    await until("ZI");
    socket.write(frame("P", "\0selec nonsense\0\0\0"), "latin1");
    await until("E");
    socket.write(`${frame("Q", "select 2\0")}${frame("H")}${frame("B", "nonsense")}`, "latin1");
    socket.write(`${frame("S")}${frame("Q", "select 3\0")}`, "latin1");
    expect(await until("CZI")).toBe("ZITDCZI");
    socket.destroy();
  });

  it("cuts off a client whose statement has a longer answer than may wait to be read, and goes on", async () => {
    const { closed } = speak(
      `${startup()}${frame("Q", "select repeat('x', 1024) from generate_series(1, 17 * 1024)\0")}`,
    );
    expect(await asOwner("select 1")).toEqual([[1]]);
    await closed;
    const client = await connect();
    expect(
      await client.query("select length(string_agg(repeat('x', 1024), '')) from generate_series(1, 15000)"),
    ).toEqual([[15_000 * 1024]]);
    expect((await client.query("select repeat('x', 1024) from generate_series(1, 10000)")).length).toBe(10_000);
    await client.close();
  });

  it("takes no more half messages than it has room for, and lets the owner say what it will", async () => {
    const half = Buffer.alloc(15 * 1024 * 1024);
    half.write(frame("Q", "", 16 * 1024 * 1024), "latin1");
    const held = Array.from({ length: 5 }, () => {
      const client = speak(startup());
      client.socket.write(half);
      return client;
    });
    await Promise.race(held.map(({ closed }) => closed));
    expect(await owner.query("select length($1)", ["x".repeat(15 * 1024 * 1024)])).toEqual([[15 * 1024 * 1024]]);
    for (const { socket } of held) socket.destroy();
    await Promise.all(held.map(({ closed }) => closed));
  });
});
