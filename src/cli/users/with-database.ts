import type { Database } from "../../db/database.ts";
import { openCommandDatabase } from "../command-database.ts";

/** Does `work` on the database that the environment names, then closes it. */
export async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const database = await openCommandDatabase(process.env);
  try {
    return await work(database.db);
  } finally {
    await database.close();
  }
}
