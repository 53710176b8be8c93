import { describe, expect, it } from "vitest";
import { DatabaseError, HasherError } from "../../../src/errors.ts";
import { createFailureLog } from "../../../src/middleware/failure-log.ts";

function recording() {
  const lines: object[] = [];
  let nowMs = 0;
  const log = { info: () => undefined, error: (fields: object) => lines.push(fields) };
  const logFailure = createFailureLog(log, () => nowMs);
  return { lines, logFailure, later: (ms: number) => (nowMs += ms) };
}

const busy = { requestId: "r", code: "HASHER_BUSY", error: new HasherError("HASHER_BUSY", "full") } as const;

describe("the log of failures", () => {
  it("writes overload once a second without its stack, and counts what it left out", () => {
    const { lines, logFailure, later } = recording();
    for (let attempt = 0; attempt < 500; attempt += 1) logFailure(busy);
    later(1_000);
    logFailure(busy);
    expect(lines).toEqual([
      { requestId: "r", code: "HASHER_BUSY", unlogged: 0, reason: "full" },
      { requestId: "r", code: "HASHER_BUSY", unlogged: 499, reason: "full" },
    ]);
  });

  it("keeps one kind of overload apart from another", () => {
    const { lines, logFailure } = recording();
    logFailure(busy);
    logFailure({ ...busy, code: "DATABASE_UNAVAILABLE", error: new DatabaseError("DATABASE_UNAVAILABLE", "gone") });
    expect(lines).toHaveLength(2);
  });

  it("writes every defect with its stack", () => {
    const { lines, logFailure } = recording();
    const error = new DatabaseError("QUERY_FAILED", "defect");
    for (let attempt = 0; attempt < 3; attempt += 1) logFailure({ requestId: "r", code: "INTERNAL", error });
    expect(lines).toEqual(Array(3).fill({ requestId: "r", code: "QUERY_FAILED", err: error }));
  });
});
