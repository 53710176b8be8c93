import { type AppErrorOptions, ServiceError } from "../../errors.ts";

/**
 * `MIGRATION_CHANGED`: a file differs from what was applied under its name. `JOURNAL_AHEAD`: the database knows migrations
 * that the folder does not. `TABLE_UNKNOWN`, `ADDRESSES_CLASH`, `LEGACY_HASHES_LEFT`: a guard in a file found data that must be
 * looked at first. `MIGRATION_FAILED`: the database refused a statement. `BASELINE_REFUSED`: the tables are not what the
 * schema says, or there is a journal already.
 */
export type MigrationErrorCode =
  | "MIGRATION_CHANGED"
  | "JOURNAL_AHEAD"
  | "TABLE_UNKNOWN"
  | "ADDRESSES_CLASH"
  | "LEGACY_HASHES_LEFT"
  | "MIGRATION_FAILED"
  | "BASELINE_REFUSED";

export class MigrationError extends ServiceError {
  /** Migrations that this run applied before it stopped; they stay. */
  readonly applied: readonly string[];

  constructor(
    readonly code: MigrationErrorCode,
    message: string,
    options: AppErrorOptions & { readonly applied?: readonly string[] } = {},
  ) {
    super(message, options);
    this.applied = options.applied ?? [];
  }
}
