/** Run by drizzle.config.ts: ends with 1 and a sentence for a database that `drizzle-kit push` would spoil. */
import { onConnection, openAsItIs } from "./command-database.ts";

const HAS_OLD_TABLE = `select 1 from information_schema.columns
  where table_schema = current_schema() and table_name = 'users' and column_name = 'salt'`;

try {
  const rows = await onConnection(await openAsItIs(process.env), (connection) => connection.query(HAS_OLD_TABLE));
  if (rows.length > 0) {
    throw new Error(
      "this database has the old table, whose passwords a push would lose: bring it over with gatehouse db migrate",
    );
  }
} catch (error) {
  process.stderr.write(`gatehouse: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
