import { describe, expect, it } from "vitest";
import {
  plainStartup,
  queryMessage,
  SYNC,
  startupParameter,
  wantsAnswer,
} from "../../../../../src/db/drivers/pglite/messages.ts";

describe("plainStartup", () => {
  it("keeps the version and nothing else", () => {
    const message = Buffer.from("\0\0\0\x16\0\x03\0\x02replication\0what\0\0", "latin1");
    expect(Buffer.from(plainStartup(message)).toString("latin1")).toBe(
      "\0\0\0\x29\0\x03\0\x02user\0postgres\0database\0postgres\0\0",
    );
  });
});

describe("startupParameter", () => {
  it("finds a parameter by its name and not by a value that looks like one", () => {
    const message = Buffer.from("\0\0\0\0\0\x03\0\0user\0application_name\0application_name\0mine\0\0", "latin1");
    expect(startupParameter(message, "application_name")).toBe("mine");
    expect(startupParameter(message, "database")).toBeUndefined();
  });
});

describe("wantsAnswer", () => {
  it("is true for what Postgres always answers", () => {
    expect([SYNC, queryMessage("select 1"), Buffer.from("P\0\0\0\x04")].map(wantsAnswer)).toEqual([true, true, false]);
  });
});
