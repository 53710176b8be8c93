import type { DriverRow } from "./driver.ts";

/** One connection of one's own, for migrations and the command line: what the request path may not have. */
export interface SqlConnection {
  /** One statement. Throws `DatabaseError`. */
  query(text: string, params?: readonly unknown[]): Promise<readonly DriverRow[]>;
  close(): Promise<void>;
}
