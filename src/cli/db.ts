import type { Command } from "commander";
import type { CommandDatabase } from "./command-database.ts";

/** `gatehouse db migrate|status`. */
export function register(program: Command): void {
  const db = program.command("db").description("bring the database up to date, or see whether it is");
  db.command("migrate")
    .description("apply the migrations that are pending")
    .option("--baseline", "record a database that drizzle-kit push made, without changing it")
    .action(runMigrate);
  db.command("status")
    .description("show which migrations are applied, pending or changed")
    .option("--json", "as JSON")
    .action(runStatus);
}

async function runMigrate({ baseline = false }: { readonly baseline?: boolean }): Promise<void> {
  const { openForMigration } = await import("./command-database.ts");
  const database = await openForMigration(process.env);
  try {
    await (baseline ? recordPushed(database) : applyPending(database));
  } finally {
    await database.close();
  }
}

async function recordPushed(database: CommandDatabase): Promise<void> {
  const { recordBaseline } = await import("../db/migrator/baseline.ts");
  const { recorded } = await recordBaseline(database);
  say(`recorded as applied, without running them: ${recorded.join(", ")}`);
}

async function applyPending(database: CommandDatabase): Promise<void> {
  const { migrate } = await import("../db/migrator/migrate.ts");
  const startedAt = performance.now();
  try {
    const { applied } = await migrate(database, { onStart: (tag) => say(`applying ${tag}`) });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    say(
      applied.length === 0 ? "nothing to do, the database is up to date" : `applied ${applied.length} in ${seconds} s`,
    );
  } catch (error) {
    await listClashes(database, error);
    throw error;
  }
}

/** Says which accounts share an address: that one may see addresses who may migrate, but error messages hold none. */
async function listClashes(database: CommandDatabase, error: unknown): Promise<void> {
  const { MigrationError } = await import("../db/migrator/migration-error.ts");
  if (!(error instanceof MigrationError && error.code === "ADDRESSES_CLASH")) return;
  const { findAddressClashes } = await import("../db/migrator/address-clashes.ts");
  for (const { id, email, createdAt } of await findAddressClashes(database)) say(`${id}  ${createdAt}  ${email}`);
}

async function runStatus({ json = false }: { readonly json?: boolean }): Promise<void> {
  const [{ openAsItIs }, { migrationStatus }] = await Promise.all([
    import("./command-database.ts"),
    import("../db/migrator/migrate.ts"),
  ]);
  const database = await openAsItIs(process.env);
  try {
    const status = await migrationStatus(database);
    if (json) return say(JSON.stringify(status, null, 2));
    for (const { tag, state } of status.migrations) say(`${state.padEnd(8)} ${tag}`);
    if (status.unknown > 0) say(`${"unknown".padEnd(8)} ${status.unknown} of a newer version of Gatehouse`);
  } finally {
    await database.close();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
