import type { Command } from "commander";
import type { AddressReport } from "../db/migrator/address-report.ts";
import type { MigrationStatus } from "../db/migrator/journal.ts";
import type { TableReport } from "../db/migrator/old-table.ts";
import type { CommandDatabase } from "./command-database.ts";
import { say } from "./say.ts";

/** `gatehouse db migrate|status`. */
export function register(program: Command): void {
  const db = program.command("db").description("bring the database up to date, or see whether it is");
  db.command("migrate")
    .description("apply the migrations that are pending")
    .option("--baseline", "record a database that drizzle-kit push made, without changing it")
    .action(runMigrate);
  db.command("status")
    .summary("show which migrations are applied, pending or changed")
    .description(
      "show which migrations are applied, pending or changed, and while some are pending what the move makes of an old table and its addresses",
    )
    .option("--addresses", "look at the addresses also when nothing is pending")
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
  const [{ migrate }, { normalAddress }, { describeAddresses }] = await Promise.all([
    import("../db/migrator/migrate.ts"),
    import("../auth/email-address.ts"),
    import("./db/describe-addresses.ts"),
  ]);
  const startedAt = performance.now();
  const said = new Set<string>();
  const { applied } = await migrate(database, {
    normalAddress,
    // They are looked at twice in the end; what was said the first time is not said again.
    onAddresses: (report) => {
      say(`looked at the addresses of ${report.checked} accounts`);
      for (const line of describeAddresses(report, { done: true })) {
        if (!said.has(line)) say(line);
        said.add(line);
      }
    },
    onStart: (tag) => say(`applying ${tag}`),
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(applied.length === 0 ? "nothing to do, the database is up to date" : `applied ${applied.length} in ${seconds} s`);
}

interface StatusFlags {
  readonly addresses?: boolean;
  readonly json?: boolean;
}

async function runStatus({ addresses: always = false, json = false }: StatusFlags): Promise<void> {
  const [{ openAsItIs }, { migrationStatus }, { describeTable }] = await Promise.all([
    import("./command-database.ts"),
    import("../db/migrator/migrate.ts"),
    import("../db/migrator/old-table.ts"),
  ]);
  const database = await openAsItIs(process.env);
  try {
    const status = await migrationStatus(database);
    const wanted = always || status.migrations.some(({ state }) => state === "pending");
    const addresses = wanted ? await lookAtAddresses(database) : null;
    const table = await lookAtTable(database, status.migrations);
    if (json) return say(JSON.stringify({ ...status, table, addresses }, null, 2));
    for (const { tag, state } of status.migrations) say(`${state.padEnd(8)} ${tag}`);
    if (status.unknown > 0) say(`${"unknown".padEnd(8)} ${status.unknown} of a newer version of Gatehouse`);
    if (table !== null) for (const line of describeTable(table)) say(line);
    if (addresses === null) return;
    const { describeAddresses } = await import("./db/describe-addresses.ts");
    for (const line of describeAddresses(addresses, { done: false })) say(line);
  } finally {
    await database.close();
  }
}

/** Null unless no migration has touched it yet. */
async function lookAtTable(
  database: CommandDatabase,
  migrations: readonly MigrationStatus[],
): Promise<TableReport | null> {
  const { inspectOldTable, TOLERATING } = await import("../db/migrator/old-table.ts");
  if (!migrations.some(({ tag, state }) => tag === TOLERATING && state === "pending")) return null;
  const connection = await database.connect();
  return inspectOldTable(connection).finally(() => connection.close());
}

async function lookAtAddresses(database: CommandDatabase): Promise<AddressReport | null> {
  const [{ inspectAddresses }, { normalAddress }] = await Promise.all([
    import("../db/migrator/settle-addresses.ts"),
    import("../auth/email-address.ts"),
  ]);
  const connection = await database.connect();
  return inspectAddresses(connection, normalAddress).finally(() => connection.close());
}
