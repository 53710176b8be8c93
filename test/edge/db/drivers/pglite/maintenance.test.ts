import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PgliteBackend } from "../../../../../src/db/drivers/pglite/backend.ts";
import { BusyDeadline } from "../../../../../src/db/drivers/pglite/deadline.ts";
import { PgliteMaintenance } from "../../../../../src/db/drivers/pglite/maintenance.ts";
import { freshDataDir } from "../../../../fixtures/pglite-folder.ts";

let dataDir: string;
let backend: PgliteBackend;

beforeAll(async () => {
  dataDir = await freshDataDir();
  backend = await PgliteBackend.open({
    folder: join(dataDir, "pglite"),
    deadline: new BusyDeadline(),
    onBroken: () => expect.unreachable("the database broke"),
  });
});
afterAll(async () => {
  await backend.close();
  rmSync(dataDir, { recursive: true });
});

async function ask(text: string): Promise<unknown> {
  let answer: unknown;
  await backend.maintain(async (pglite) => {
    const { rows } = await pglite.query<{ answer: unknown }>(text);
    answer = rows[0]?.answer;
  });
  return answer;
}

const fill = () => ask("insert into notes select repeat('x', 1000) from generate_series(1, 40000)");
const logSinceCheckpoint = () =>
  ask("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as answer from pg_control_checkpoint()");
/** Of a table whose rows are all deleted: nothing but dead rows. */
const bytesOfDeadRows = () => ask("select pg_relation_size('notes')::float8 as answer");

describe("PgliteMaintenance", { timeout: 60_000 }, () => {
  it("trims the log once enough was written, and clears dead rows away after many writes", async () => {
    const maintenance = new PgliteMaintenance(backend);
    const turns = (count: number) => {
      for (let turn = 0; turn < count; turn += 1) maintenance.turnEnded();
    };
    await ask("create table notes (text text)");
    await fill();
    await ask("delete from notes");
    expect(await logSinceCheckpoint()).toBeGreaterThan(16 * 1024 * 1024);
    turns(499);
    expect(await logSinceCheckpoint()).toBeGreaterThan(16 * 1024 * 1024);
    turns(1);
    // Takes its turn before ours.
    expect(await logSinceCheckpoint()).toBeLessThan(1024 * 1024);
    expect(await bytesOfDeadRows()).toBeGreaterThan(0);

    await fill();
    await ask("delete from notes");
    turns(500);
    expect(await bytesOfDeadRows()).toBe(0);
  });
});
