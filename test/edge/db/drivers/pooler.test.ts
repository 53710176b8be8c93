import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenDatabase } from "../../../../src/db/database.ts";
import { openNeon } from "../../../../src/db/drivers/neon.ts";
import { leadsThroughPooler } from "../../../../src/db/drivers/pooler.ts";
import { openTcp } from "../../../../src/db/drivers/tcp.ts";
import type { Statement } from "../../../../src/db/statement.ts";
import { nodeWebSocket, type Servers, startServers } from "../../../fixtures/databases.ts";

describe("leadsThroughPooler", () => {
  it.each([
    ["postgres://u:p@ep-cool-name-123-pooler.eu-central-1.aws.neon.tech/db", true],
    ["postgres://u:p@ep-cool-name-123.eu-central-1.aws.neon.tech/db", false],
    ["postgres://u:p@127.0.0.1:6432/db?pgbouncer=true", true],
    ["postgres://u:p@127.0.0.1:5432/db?pgbouncer=false", false],
    ["postgres:///db?host=/run/postgresql", false],
  ])("for %s says %s", (url, pooled) => {
    expect(leadsThroughPooler(url)).toBe(pooled);
  });
});

describe("a connection through a pooler", () => {
  const setting = (name: string, text: string): Statement<null, unknown> => ({
    name,
    text,
    reads: true,
    bind: () => [],
    decode: ([value]) => value,
  });
  const timeout = setting("timeout", "select current_setting('statement_timeout')");
  const prepared = setting("prepared", "select count(*) from pg_prepared_statements");

  let servers: Servers;
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => servers.stop());

  const seen = async ({ db, close }: OpenDatabase) => {
    const answers = [...(await db.query(timeout, null)), ...(await db.query(prepared, null))];
    await close();
    return answers;
  };

  it("asks for no statement timeout when it starts and prepares nothing, as a direct one does", async () => {
    const { postgres, neon } = servers;
    const pooled = `${postgres.url}?pgbouncer=true`;
    const options = { mode: "ws", local: neon, webSocketConstructor: nodeWebSocket } as const;
    expect(await seen(openTcp({ url: pooled }))).toEqual(["0", 0]);
    expect(await seen(openNeon({ ...options, url: pooled }))).toEqual(["0", 0]);
    expect(await seen(openNeon({ ...options, url: postgres.url }))).toEqual(["5s", 0]);
    expect((await seen(openTcp({ url: postgres.url })))[0]).toBe("5s");
  });
});
