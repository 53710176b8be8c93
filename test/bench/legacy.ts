import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SqlConnection } from "../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../src/db/drivers/tcp.ts";
import { runGatehouse, startGatehouse } from "../fixtures/gatehouse.ts";
import { send } from "../fixtures/http-client.ts";
import { CREATE_OLD_TABLE, insertOldAccounts, type OldAccount, watchWrites } from "../fixtures/old-table.ts";
import { startPostgres } from "../fixtures/postgres.ts";

const ACCOUNTS = 100_000;
const BATCH = 250;
const KILLS = 3;
const LOGINS = 200;
const WRAP = ["hashes", "wrap", "--algorithm", "sha256", "--order", "salt-password", "--batch-size", String(BATCH)];

/**
 * The move of 100,000 accounts (or as many as `args[0]` says) from the old table, with the fast password profile: kills in the
 * middle, then logins. Throws when an account is lost, wrapped twice or cannot log in.
 */
export async function run([accountCount = String(ACCOUNTS)]: string[]): Promise<void> {
  const count = Number(accountCount);
  const postgres = await startPostgres();
  const dataDir = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const env = { DATABASE_URL: postgres.url, DATA_DIR: dataDir, PASSWORD_PROFILE: "development", THROTTLE: "off" };
  const connection = await connectTcp({ url: postgres.url });
  try {
    await connection.query(CREATE_OLD_TABLE);
    const accounts = await timed("fill the old table", count, () => insertOldAccounts(connection, count));
    await timed("expand (0000, 0001; 0002 waits)", count, async () => {
      expectExit(await runGatehouse(["db", "migrate"], env), 1);
    });
    await timed(`wrap, killed ${KILLS} times`, count, () =>
      wrapWithKills(connection, { url: postgres.url, env, count }),
    );
    await timed("contract (0002)", count, async () => expectExit(await runGatehouse(["db", "migrate"], env), 0));
    await expectEveryAccount(connection, accounts);
    await timed("log in", LOGINS, () => logInWithSome(accounts, env));
  } finally {
    await connection.close();
    await postgres.stop();
    rmSync(dataDir, { recursive: true });
  }
}

async function timed<T>(step: string, rows: number, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `${step.padEnd(34)} ${String(rows).padStart(8)} rows ${seconds.toFixed(1).padStart(8)} s ${(rows / seconds).toFixed(0).padStart(8)} rows/s\n`,
  );
  return result;
}

async function wrapWithKills(
  connection: SqlConnection,
  { url, env, count }: { url: string; env: Record<string, string>; count: number },
): Promise<void> {
  const writes = await watchWrites(connection, url);
  const batchesEach = Math.ceil(count / BATCH / (KILLS + 1));
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const written = writes.batches(batchesEach);
    const program = startGatehouse(WRAP, env);
    await Promise.race([written, once(program.child, "exit")]);
    await program.stop("SIGKILL");
  }
  expectExit(await runGatehouse(WRAP, env), 0);
  const twice = await writes.wrappedTwice();
  await writes.stop();
  if (twice.length > 0) throw new Error(`${twice.length} accounts were wrapped twice`);
}

async function expectEveryAccount(connection: SqlConnection, accounts: readonly OldAccount[]): Promise<void> {
  const [row] = await connection.query(
    `select count(*) from users join unnest($1::uuid[], $2::text[]) as old (id, email) on users.id = old.id
     where users.email = lower(old.email) and password_hash like '$argon2id-over-sha256$%'`,
    [accounts.map(({ id }) => id), accounts.map(({ email }) => email)],
  );
  if (row?.[0] !== accounts.length)
    throw new Error(`${accounts.length} accounts went in, ${String(row?.[0])} came out`);
}

async function logInWithSome(accounts: readonly OldAccount[], env: Record<string, string>): Promise<void> {
  const edge = startGatehouse(["edge", "--port", "0"], env);
  const [, url = ""] = await edge.printed(/"url":"(http:[^"]+)"/);
  try {
    for (let index = 0; index < LOGINS; index += 1) {
      const account = accounts[Math.floor((index * accounts.length) / LOGINS)];
      if (account === undefined) continue;
      const { email, password } = account;
      const { status } = await send(`${url}/v1/auth/login`, { json: { email, password, transport: "bearer" } });
      if (status !== 200) throw new Error(`a login was answered ${status}`);
    }
  } finally {
    await edge.stop();
  }
}

function expectExit({ code, output }: { code: number | null; output: string }, wanted: number): void {
  if (code !== wanted) throw new Error(`gatehouse ended with ${code}:\n${output}`);
}
