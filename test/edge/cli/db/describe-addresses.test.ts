import { describe, expect, it } from "vitest";
import { describeAddresses } from "../../../../src/cli/db/describe-addresses.ts";

const none = { accounts: 0, listed: [] };
const quiet = { checked: 3, clashing: { ...none, addresses: 0 }, refused: none, rewritten: none };
const account = (email: string) => ({ id: "id-1", email, createdAt: "2020-01-01 00:00:00+00" });

describe("what is said about addresses", () => {
  it("is nothing when all is well", () => {
    expect(describeAddresses(quiet, { done: true })).toEqual([]);
  });

  it("shows a difference that cannot be seen, and nothing that steers a terminal", () => {
    const listed = ["zoë@example.com", "zoe\u0308@example.com", "a\u200bnn\u00a0\u001b[31m@example.com"].map(account);
    const lines = describeAddresses({ ...quiet, clashing: { addresses: 1, accounts: 3, listed } }, { done: false }).map(
      (line) => line.replace(/^.*00 {2}/, ""),
    );
    expect(lines.slice(1)).toEqual([
      '"zoë@example.com"',
      '"zoe\\u{308}@example.com"',
      '"a\\u{200b}nn\\u{a0}\\u001b[31m@example.com"',
    ]);
  });

  it("counts what it does not list, and says what to do about what log-in refuses", () => {
    const refused = { accounts: 101, listed: [account("notanaddress")] };
    const text = describeAddresses({ ...quiet, refused }, { done: true }).join("\n");
    expect(text).toContain("101 accounts have an address that log-in refuses");
    expect(text).toContain("update users set email");
    expect(text).toContain("and 100 more");
  });

  it("says that nothing is rewritten while addresses clash", () => {
    const rewritten = { accounts: 1, listed: [{ id: "id-2", from: "JÜRGEN@example.com", to: "jürgen@example.com" }] };
    expect(describeAddresses({ ...quiet, rewritten }, { done: true }).join()).toContain("1 addresses were put");
    const clashing = { addresses: 1, accounts: 1, listed: [account("ann@example.com")] };
    expect(describeAddresses({ ...quiet, rewritten, clashing }, { done: false }).join()).not.toContain("jürgen");
  });
});
