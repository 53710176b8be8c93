import { wrapDriverError } from "../query-error.ts";
import type { DriverRow } from "./driver.ts";
import type { SqlConnection } from "./sql-connection.ts";
import { wireTypes } from "./wire-types.ts";

/** What a client of pg and one of Neon's WebSocket driver have in common. */
export interface Client {
  connect(): Promise<unknown>;
  query(config: {
    text: string;
    values: unknown[];
    rowMode: "array";
    types: typeof wireTypes;
  }): Promise<{ rows: DriverRow[] }>;
  end(): Promise<void>;
  on(event: "error", listener: (error: unknown) => void): unknown;
}

/** Connects the client and makes it a `SqlConnection`. Throws `DatabaseError` when the database cannot be reached. */
export async function connectClient(client: Client): Promise<SqlConnection> {
  let ending: unknown;
  // Unheard, the event would end the process. It says why the connection ended; statements afterwards only that it has.
  client.on("error", (error) => {
    ending ??= error;
  });
  const ours = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw wrapDriverError(ending ?? error);
    }
  };
  await ours(() => client.connect());
  return {
    query: (text, params = []) =>
      ours(async () => (await client.query({ text, values: [...params], rowMode: "array", types: wireTypes })).rows),
    close: () => client.end().catch(() => undefined),
  };
}
