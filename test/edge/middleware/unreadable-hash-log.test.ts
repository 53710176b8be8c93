import { expect, it } from "vitest";
import { HasherError } from "../../../src/errors.ts";
import { createUnreadableHashLog } from "../../../src/middleware/unreadable-hash-log.ts";

it("writes one line without a stack for an account whose hash cannot be read, and no error for one set aside", () => {
  const lines: object[] = [];
  const logUnreadableHash = createUnreadableHashLog({
    error: (fields, message) => lines.push({ level: "error", ...fields, message }),
    info: (fields, message) => lines.push({ level: "info", ...fields, message }),
  });
  const cause = new HasherError("HASH_UNREADABLE", "not ours");
  logUnreadableHash({ userId: "1", setAside: false, cause });
  logUnreadableHash({ userId: "2", setAside: true, cause });
  expect(lines).toEqual([
    { level: "error", userId: "1", reason: "not ours", message: expect.stringContaining("gatehouse hashes report") },
    { level: "info", userId: "2", message: expect.stringContaining("gatehouse hashes reset") },
  ]);
});
