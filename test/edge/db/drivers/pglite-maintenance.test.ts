import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PgliteBackend } from "../../../../src/db/drivers/pglite-backend.ts";
import { PgliteMaintenance } from "../../../../src/db/drivers/pglite-maintenance.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";

let dataDir: string;
let backend: PgliteBackend;

beforeAll(async () => {
  dataDir = await freshDataDir();
  backend = await PgliteBackend.open(join(dataDir, "pglite"));
});
afterAll(async () => {
  await backend.close();
  rmSync(dataDir, { recursive: true });
});

async function ask(text: string): Promise<unknown> {
  const { pglite, end } = await backend.take();
  try {
    const { rows } = await pglite.query<{ answer: unknown }>(text);
    return rows[0]?.answer;
  } finally {
    end();
  }
}

const logSinceCheckpoint = () =>
  ask("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as answer from pg_control_checkpoint()");
/** Of a table whose rows are all deleted: nothing but dead rows. */
const bytesOfDeadRows = () => ask("select pg_relation_size('notes')::float8 as answer");

describe("PgliteMaintenance", { timeout: 60_000 }, () => {
  it("trims the log once enough was written, and clears dead rows away after many writes", async () => {
    const maintenance = new PgliteMaintenance(backend);
    await ask("create table notes (text text)");
    await ask("insert into notes select repeat('x', 1000) from generate_series(1, 25000)");
    await ask("delete from notes");
    expect(await logSinceCheckpoint()).toBeGreaterThan(16 * 1024 * 1024);
    expect(await bytesOfDeadRows()).toBeGreaterThan(0);

    maintenance.wrote(499);
    expect(await logSinceCheckpoint()).toBeGreaterThan(16 * 1024 * 1024);
    maintenance.wrote(1);
    // Takes its turn before ours.
    expect(await logSinceCheckpoint()).toBeLessThan(1024 * 1024);
    expect(await bytesOfDeadRows()).toBeGreaterThan(0);
    maintenance.wrote(20_000);
    expect(await bytesOfDeadRows()).toBe(0);
  });
});
