import type { SqlConnection } from "../../db/drivers/sql-connection.ts";
import { hasRoomForOurHashes } from "../../db/stored-hashes.ts";
import { onConnection, openAsItIs } from "../command-database.ts";

/** Does `work` on the database as it is, also where the old table was not touched yet. */
export async function withConnection<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
  return onConnection(await openAsItIs(process.env), work);
}

/** The same for work that writes hashes of ours. Throws an Error when the old table is too narrow for them. */
export function withRoomyConnection<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
  return withConnection(async (connection) => {
    if (await hasRoomForOurHashes(connection)) return work(connection);
    throw new Error("the table has no room for new hashes yet: run gatehouse db migrate first");
  });
}
