import type { PgliteBackend } from "./backend.ts";

/** Turns after which we look at the log: a look costs about as much as one of them. */
const LOOK_EVERY = 500;

/** Log since the last checkpoint that makes one worth its while, and since we last cleared dead rows away. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const VACUUM_BYTES = 64 * 1024 * 1024;

const LOG = `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as since_checkpoint,
  pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as written from pg_control_checkpoint()`;

/** Does what a server's background processes would: without it the log and the tables of a PGlite only ever grow. */
export class PgliteMaintenance {
  private sinceLook = 0;
  private writtenAtVacuum: number | undefined;

  constructor(private readonly backend: PgliteBackend) {}

  /** Counts turns. Maintenance takes a turn of its own afterwards; nobody waits for it but the next in line. */
  turnEnded(): void {
    this.sinceLook += 1;
    if (this.sinceLook < LOOK_EVERY) return;
    this.sinceLook = 0;
    // A failure concerns nobody's statement, and the next round tries again.
    this.maintain().catch(() => undefined);
  }

  private maintain(): Promise<void> {
    return this.backend.maintain(async (pglite) => {
      const { rows } = await pglite.query<{ since_checkpoint: number; written: number }>(LOG);
      const { since_checkpoint = 0, written = 0 } = rows[0] ?? {};
      this.writtenAtVacuum ??= written - since_checkpoint;
      if (written - this.writtenAtVacuum > VACUUM_BYTES) {
        this.writtenAtVacuum = written;
        await pglite.exec("vacuum analyze");
      }
      if (since_checkpoint > CHECKPOINT_BYTES) await pglite.exec("checkpoint");
    });
  }
}
