import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTcp, openTcp } from "../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../src/db/migrator/migrate.ts";
import { findUserByEmail } from "../../../src/db/users.ts";
import { createNodeHasher } from "../../../src/runtimes/node/hasher.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";
import { startProgram } from "../../fixtures/program.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const password = "correct horse battery staple";

describe("gatehouse users create", () => {
  let postgres: PostgresServer;

  const create = async (email: string, typed: string) => {
    const program = startProgram(process.execPath, ["--import", "tsx", "src/cli/main.ts", "users", "create", email], {
      cwd: root,
      stdin: "pipe",
      env: { ...process.env, DATABASE_URL: postgres.url, REGISTRATION: "closed" },
    });
    program.child.stdin?.end(typed);
    const code = await program.closed;
    return { code, output: program.output() };
  };

  beforeAll(async () => {
    postgres = await startPostgres();
    await migrate({ connect: () => connectTcp({ url: postgres.url }) });
  });
  afterAll(() => postgres.stop());

  it("makes an account, with the password that is piped in, where registration is closed", async () => {
    const { code, output } = await create("Ann@Example.com", `${password}\n`);
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/^created ann@example\.com [0-9a-f-]{36}\n$/),
    });
    const database = openTcp({ url: postgres.url });
    const account = await findUserByEmail(database.db, "ann@example.com");
    await database.close();
    const hasher = createNodeHasher({ threads: 1 });
    expect(await hasher.verify(password, account?.passwordHash ?? null)).toEqual({ ok: true, needsRehash: false });
    await hasher.close();
  });

  it.each([
    ["an address that is taken", "taken@example.com", password, "There is an account"],
    ["an address that is none", "nonsense", password, "not an e-mail address"],
    ["a password that is too short", "bob@example.com", "short", "at least 15 characters"],
    ["no password", "bob@example.com", "", "There is no password"],
  ])("refuses %s with a sentence", async (_what, email, typed, sentence) => {
    if (email.startsWith("taken")) await create(email, password);
    const { code, output } = await create(email, typed);
    expect(code).toBe(1);
    expect(output).toContain(sentence);
    expect(output).not.toContain(typed || "node_modules");
  });
});
