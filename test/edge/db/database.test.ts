import { describe, expect, it } from "vitest";
import { createDatabase } from "../../../src/db/database.ts";
import type { Driver } from "../../../src/db/drivers/driver.ts";
import type { Statement } from "../../../src/db/statement.ts";

const statement = (reads: boolean): Statement<null, unknown> => ({
  name: "a_statement",
  text: "…",
  reads,
  bind: () => [],
  decode: (row) => row[0],
});

/** Fails as often as there are failures left, then answers one row. */
function driverThatFails(failures: Error[]): Driver & { sent: number } {
  const driver = {
    sent: 0,
    async query() {
      driver.sent += 1;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return [["row"]];
    },
    batch: () => driver.query().then((rows) => [rows]),
  };
  return driver;
}

const dropped = () => Object.assign(new Error("terminating connection"), { code: "57P01" });

describe("createDatabase", () => {
  it("sends a read once more when its connection was dead", async () => {
    const driver = driverThatFails([dropped()]);
    expect(await createDatabase(driver).query(statement(true), null)).toEqual(["row"]);
    expect(driver.sent).toBe(2);
  });

  it("sends it twice at most", async () => {
    const driver = driverThatFails([dropped(), dropped()]);
    await expect(createDatabase(driver).query(statement(true), null)).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
    });
    expect(driver.sent).toBe(2);
  });

  it("never sends a write or a batch twice, for nobody knows whether the first one counted", async () => {
    for (const send of ["query", "batch"] as const) {
      const driver = driverThatFails([dropped()]);
      const db = createDatabase(driver);
      const work = send === "query" ? db.query(statement(false), null) : db.batch([]);
      await expect(work).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
      expect(driver.sent).toBe(1);
    }
  });

  it("refuses statements beyond its bound at once, and takes new ones when others are done", async () => {
    const answer: (() => void)[] = [];
    const driver: Driver = {
      query: () => new Promise((resolve) => answer.push(() => resolve([["row"]]))),
      batch: async () => [],
    };
    const db = createDatabase(driver, { maxInFlight: 2 });
    const waiting = [db.query(statement(true), null), db.query(statement(true), null)];
    await expect(db.query(statement(true), null)).rejects.toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      message: "too many statements are waiting for the database",
      retryAfterSeconds: 1,
    });
    for (const settle of answer) settle();
    await Promise.all(waiting);
    const next = db.query(statement(true), null);
    answer.at(-1)?.();
    expect(await next).toEqual(["row"]);
  });
});
