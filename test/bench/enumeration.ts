import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectTcp } from "../../src/db/drivers/tcp.ts";
import { migrate } from "../../src/db/migrator/migrate.ts";
import { describeLegacyHash } from "../../src/password/legacy-hash.ts";
import { startEdge } from "../../src/runtimes/node/edge.ts";
import { startPostgres } from "../fixtures/postgres.ts";

const PASSWORD = "correct horse battery staple";
const WRONG = "incorrect horse battery staple";

/** Whom an attacker may try: if one kind of account answered in another time, the time would tell it. */
const ARMS = {
  "unknown address": { email: "nobody@example.com", password: WRONG },
  "wrong password": { email: "ann@example.com", password: WRONG },
  "disabled, right password": { email: "off@example.com", password: PASSWORD },
  "legacy digest, wrong password": { email: "old@example.com", password: WRONG },
  "unreadable hash, right password": { email: "odd@example.com", password: PASSWORD },
} as const;

type Arm = keyof typeof ARMS;

/**
 * Times refused logins over HTTP, the kinds of account in turn, and compares each with an unknown address: medians, their gap, and the
 * Mann-Whitney statistic (above 3.3 in size the two differ at p < 0.001). `args[0]`: samples of each kind, 1000 unless given.
 */
export async function run([samples = "1000"]: string[]): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "gatehouse-enumeration-"));
  const postgres = await startPostgres();
  await migrate({ connect: () => connectTcp({ url: postgres.url }) });
  const edge = await startEdge({ env: { DATA_DIR: dataDir, DATABASE_URL: postgres.url }, host: "127.0.0.1", port: 0 });
  try {
    await makeAccounts(edge.url, postgres.url);
    report(await sample(edge.url, Number(samples)));
  } finally {
    await edge.close();
    await postgres.stop();
    rmSync(dataDir, { recursive: true });
  }
}

async function makeAccounts(edgeUrl: string, databaseUrl: string): Promise<void> {
  for (const name of ["ann", "off", "old", "odd"]) {
    await post(edgeUrl, "/v1/auth/register", { email: `${name}@example.com`, password: PASSWORD });
  }
  const salt = "0123456789abcdef";
  const digest = createHash("sha256").update(salt).update(PASSWORD).digest("hex");
  const made = { algorithm: "sha256", order: "salt-first", digestEncoding: "hex", saltEncoding: "utf8" } as const;
  const connection = await connectTcp({ url: databaseUrl });
  await connection.query("update users set disabled_at = now() where email = 'off@example.com'");
  await connection.query("update users set password_hash = '$argon2id$broken' where email = 'odd@example.com'");
  await connection.query("update users set password_hash = $1 where email = 'old@example.com'", [
    describeLegacyHash({ ...made, digest, salt }),
  ]);
  await connection.close();
}

async function sample(edgeUrl: string, samples: number): Promise<ReadonlyMap<Arm, number[]>> {
  const arms = Object.keys(ARMS) as Arm[];
  const timesMs = new Map(arms.map((arm) => [arm, [] as number[]]));
  for (let round = -5; round < samples; round += 1) {
    // Each round begins with another, so that no kind always follows the same one.
    for (const arm of [...arms.slice(Math.abs(round) % arms.length), ...arms.slice(0, Math.abs(round) % arms.length)]) {
      const startedAt = performance.now();
      const status = await post(edgeUrl, "/v1/auth/login", ARMS[arm]);
      if (status !== 401) throw new Error(`${arm} was answered with ${status} instead of 401`);
      if (round >= 0) timesMs.get(arm)?.push(performance.now() - startedAt);
    }
  }
  return timesMs;
}

async function post(edgeUrl: string, path: string, body: object): Promise<number> {
  const response = await fetch(edgeUrl + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

function report(timesMs: ReadonlyMap<Arm, number[]>): void {
  const base = timesMs.get("unknown address") ?? [];
  const rows = [...timesMs].map(([arm, times]) => ({
    arm,
    samples: times.length,
    "p25 ms": quantile(times, 0.25).toFixed(1),
    "median ms": quantile(times, 0.5).toFixed(1),
    "p75 ms": quantile(times, 0.75).toFixed(1),
    "gap ms": (quantile(times, 0.5) - quantile(base, 0.5)).toFixed(2),
    "Mann-Whitney z": mannWhitney(base, times).toFixed(2),
  }));
  console.table(rows);
}

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? Number.NaN;
}

/** The standard score of the rank sum of `a` among both (Mann and Whitney 1947, normal approximation; times have no ties). */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const ranked = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))];
  ranked.sort((x, y) => x.value - y.value);
  const rankSum = ranked.reduce((sum, { isA }, index) => (isA ? sum + index + 1 : sum), 0);
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  return (u - (a.length * b.length) / 2) / Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
}
