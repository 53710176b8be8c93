import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { socketUrl } from "../../../../src/db/drivers/pglite/socket.ts";
import type { SqlConnection } from "../../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../../src/db/drivers/tcp.ts";
import { startGatehouse } from "../../../fixtures/gatehouse.ts";
import { send } from "../../../fixtures/http-client.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import type { Program } from "../../../fixtures/program.ts";

const ACCOUNT = { email: "ann@example.test", password: "a password long enough" };

describe("the edge on its embedded database, beside a client like psql", { timeout: 60_000 }, () => {
  let dataDir: string;
  let edge: Program;
  let url: string;
  let token: string;
  let client: SqlConnection;

  beforeAll(async () => {
    dataDir = await freshDataDir();
    const env = { DATABASE_URL: "", DATA_DIR: dataDir, PASSWORD_PROFILE: "development", THROTTLE: "off" };
    edge = startGatehouse(["edge", "--port", "0"], env);
    [, url = ""] = await edge.printed(/"url":"(http:[^"]+)"/);
    await send(`${url}/v1/auth/register`, { json: ACCOUNT });
    token = String((await logIn()).body.token);
  });
  afterAll(async () => {
    await client.close();
    await edge.stop();
    rmSync(dataDir, { recursive: true });
  });

  const logIn = () => send(`${url}/v1/auth/login`, { json: { ...ACCOUNT, transport: "bearer" } });
  const check = () => send(`${url}/v1/auth/session`, { method: "GET", token });
  const isAlive = async () => (await send(`${url}/livez`, { method: "GET" })).status;

  it("lets nobody wait longer than 3 s for a transaction that a client leaves open", async () => {
    const forgetful = await connectTcp({ url: socketUrl(dataDir) });
    await forgetful.query("begin");
    await forgetful.query("lock table users, sessions in access exclusive mode");
    const startedAt = performance.now();
    expect((await logIn()).status).toBe(200);
    // 3 s of patience, and a second for a busy machine; a login alone takes milliseconds.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await forgetful.close();
  });

  it("is back by itself after what PGlite does not survive: COPY FROM STDIN", async () => {
    const copying = await connectTcp({ url: socketUrl(dataDir) });
    await copying.query("create table notes (text text)");
    await expect(copying.query("copy notes from stdin")).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    await copying.close();
    await edge.printed(/the embedded database is open again/);
    expect((await check()).status).toBe(200);
    client = await connectTcp({ url: socketUrl(dataDir) });
  });

  it("answers 503 while a statement goes on and on, cuts that off and is back by itself with every session", async () => {
    let ended = false;
    // From here on it has the turn.
    await client.query("begin");
    const endless = client.query("select count(*) from generate_series(1, 1000000000000)").catch(() => {
      ended = true;
    });
    const waiting = Array.from({ length: 64 }, check);
    expect(await isAlive()).toBe(200);
    expect(ended).toBe(false);

    for (const { status, retryAfter, body } of await Promise.all(waiting)) {
      expect(status).toBe(503);
      expect(body.code).toBe("DATABASE_UNAVAILABLE");
      expect(Number(retryAfter)).toBeGreaterThan(0);
    }
    await endless;
    await edge.printed(/a statement took too long and was cut off[^"]*; it is being opened again/);
    await edge.printed(/cut off together[\s\S]*the embedded database is open again/);
    expect((await check()).status).toBe(200);
    expect((await logIn()).status).toBe(200);
  });
});
