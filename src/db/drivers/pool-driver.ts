import type { Driver, DriverQuery, DriverRow } from "./driver.ts";
import { wireTypes } from "./wire-types.ts";

interface QueryConfig {
  readonly text: string;
  readonly values: unknown[];
  readonly rowMode: "array";
  readonly types: typeof wireTypes;
  readonly name?: string;
}

/** What pg and Neon's WebSocket driver have in common: one is made from the other. */
export interface PoolClient {
  query(config: QueryConfig | string): Promise<{ rows: DriverRow[] }>;
  release(destroy?: boolean): void;
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

export interface Pool {
  query(config: QueryConfig): Promise<{ rows: DriverRow[] }>;
  connect(): Promise<PoolClient>;
}

export interface PoolDriverOptions {
  /** Parse each statement once a connection. Off where many clients share a backend, or a connection lives for one request. */
  readonly prepare: boolean;
}

/** Statements over a pool of connections that speak Postgres' own protocol. */
export function poolDriver(pool: Pool, { prepare }: PoolDriverOptions): Driver {
  return {
    async query(query) {
      if (!prepare) return (await pool.query(unprepared(query))).rows;
      try {
        return (await pool.query({ ...unprepared(query), name: query.name })).rows;
      } catch (error) {
        if (isOutdatedPlan(error)) return (await pool.query(unprepared(query))).rows;
        throw error;
      }
    },
    async batch(queries) {
      const client = await pool.connect();
      // A connection that breaks fails the statement under way; unheard, the event would end the process besides.
      client.on("error", ignore);
      let broken = true;
      try {
        const answers: DriverRow[][] = [];
        await client.query("begin");
        for (const query of queries) answers.push((await client.query(unprepared(query))).rows);
        await client.query("commit");
        broken = false;
        return answers;
      } catch (error) {
        broken = await client.query("rollback").then(
          () => false,
          () => true,
        );
        throw error;
      } finally {
        if (!broken) client.off("error", ignore);
        client.release(broken);
      }
    },
  };
}

const ignore = (): void => undefined;

function unprepared({ text, params }: DriverQuery): QueryConfig {
  return { text, values: [...params], rowMode: "array", types: wireTypes };
}

/** "cached plan must not change result type": a migration changed a column since the connection prepared the statement. */
function isOutdatedPlan(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "0A000";
}
