import { describe, expect, it } from "vitest";
import { isDroppedConnection, wrapDriverError } from "../../../src/db/query-error.ts";
import { DatabaseError } from "../../../src/errors.ts";

const driverError = (message: string, fields: Record<string, unknown> = {}) =>
  Object.assign(new Error(message), { detail: "Key (email)=(secret@example.test) already exists.", ...fields });

describe("wrapDriverError", () => {
  it.each([
    ["23505", "UNIQUE_VIOLATION"],
    ["40001", "DATABASE_UNAVAILABLE"],
    ["40P01", "DATABASE_UNAVAILABLE"],
    ["53300", "DATABASE_UNAVAILABLE"],
    ["57014", "DATABASE_UNAVAILABLE"],
    ["57P01", "DATABASE_UNAVAILABLE"],
    ["57P03", "DATABASE_UNAVAILABLE"],
    ["08006", "DATABASE_UNAVAILABLE"],
    ["28P01", "DATABASE_UNAVAILABLE"],
    ["3D000", "DATABASE_UNAVAILABLE"],
    ["XX000", "DATABASE_UNAVAILABLE"],
    ["42P01", "QUERY_FAILED"],
    ["22001", "QUERY_FAILED"],
  ])("makes SQLSTATE %s %s", (code, ours) => {
    const wrapped = wrapDriverError(driverError("says something", { code }));
    expect(wrapped).toMatchObject({ code: ours, sqlState: code });
    expect(wrapped.retryAfterSeconds).toBe(ours === "DATABASE_UNAVAILABLE" ? 1 : undefined);
  });

  it.each([
    ["28P01", /refused the user or the password \(see DATABASE_URL\)$/],
    ["28000", /refused the user or the password, or connections from here/],
    ["3D000", /no database of this name/],
  ])("says what a person has to look at for SQLSTATE %s", (code, sentence) => {
    expect(wrapDriverError(driverError("says something", { code })).message).toMatch(sentence);
  });

  it.each([
    ["connect ECONNREFUSED 127.0.0.1:5432", { code: "ECONNREFUSED" }],
    ["write EPIPE", { code: "EPIPE" }],
    ["Connection terminated unexpectedly", {}],
    ["timeout exceeded when trying to connect", {}],
    ["Query read timeout", {}],
    ["Error connecting to database: TypeError: fetch failed", { sourceError: new TypeError("fetch failed") }],
    ["Server error (HTTP status 503): busy", {}],
    ["Cannot use a pool after calling end on the pool", {}],
  ])("says that the database cannot be reached for %s", (message, fields) => {
    expect(wrapDriverError(driverError(message, fields))).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      message: "the database cannot be reached",
      retryAfterSeconds: 1,
    });
  });

  it("keeps the constraint's name and the stack, and nothing that was stored", () => {
    const wrapped = wrapDriverError(
      driverError('duplicate key value "secret@example.test"', {
        code: "23505",
        constraint: "users_email_lower_unique",
      }),
    );
    expect(wrapped.constraint).toBe("users_email_lower_unique");
    const cause = wrapped.cause as Error;
    expect(cause.stack).toContain("query-error.test.ts");
    expect(JSON.stringify([wrapped, wrapped.message, cause, cause.message, cause.stack])).not.toContain("secret");
  });

  it("passes our own errors on", () => {
    const error = new DatabaseError("QUERY_FAILED", "ours");
    expect(wrapDriverError(error)).toBe(error);
  });

  it("makes something of whatever is thrown", () => {
    for (const thrown of [undefined, null, "text", 7]) expect(wrapDriverError(thrown).code).toBe("QUERY_FAILED");
  });
});

describe("isDroppedConnection", () => {
  it("is true for a dead connection only, not for one that could not be made or a statement that took too long", () => {
    const dropped = [
      driverError("", { code: "57P01" }),
      driverError("", { code: "ECONNRESET" }),
      driverError("Connection terminated unexpectedly"),
    ];
    const other = [
      driverError("", { code: "ECONNREFUSED" }),
      driverError("", { code: "57014" }),
      driverError("Query read timeout"),
      driverError("", { code: "23505" }),
    ];
    expect(dropped.map(isDroppedConnection)).toEqual([true, true, true]);
    expect(other.map(isDroppedConnection)).toEqual([false, false, false, false]);
  });
});
