import type { PgliteBackend } from "./pglite-backend.ts";

/** Statements that wrote after which we look at the log, and after which dead rows are cleared away. */
const LOOK_EVERY = 500;
const VACUUM_EVERY = 20_000;

/** Log since the last checkpoint that makes one worth its while. */
const LOG_BYTES = 16 * 1024 * 1024;

const LOG_SINCE_CHECKPOINT =
  "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as bytes from pg_control_checkpoint()";

/** Does what a server's background processes would: without it the log and the tables of a PGlite only ever grow. */
export class PgliteMaintenance {
  private sinceLook = 0;
  private sinceVacuum = 0;

  constructor(private readonly backend: PgliteBackend) {}

  /** Counts statements that wrote. Maintenance takes a turn of its own afterwards; nobody waits for it but the next in line. */
  wrote(statements: number): void {
    this.sinceLook += statements;
    this.sinceVacuum += statements;
    if (this.sinceLook < LOOK_EVERY) return;
    this.sinceLook = 0;
    // A failure concerns nobody's request, and the next round tries again.
    this.maintain().catch(() => undefined);
  }

  private async maintain(): Promise<void> {
    const { pglite, end } = await this.backend.takeToWrite();
    try {
      await this.backend.watch(async () => {
        if (this.sinceVacuum >= VACUUM_EVERY) {
          this.sinceVacuum = 0;
          await pglite.exec("vacuum analyze");
        }
        const { rows } = await pglite.query<{ bytes: number }>(LOG_SINCE_CHECKPOINT);
        if ((rows[0]?.bytes ?? 0) > LOG_BYTES) await pglite.exec("checkpoint");
      });
    } finally {
      end();
    }
  }
}
