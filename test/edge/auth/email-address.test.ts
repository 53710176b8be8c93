import { describe, expect, it } from "vitest";
import { emailAddress } from "../../../src/auth/email-address.ts";

describe("an e-mail address", () => {
  it("has one spelling: lower case, composed, without surrounding space", () => {
    expect(emailAddress.parse("  ZOE\u0308@Example.COM ")).toBe("zoë@example.com");
  });

  it.each([
    ["no at sign", "ann.example.com"],
    ["two at signs", "ann@b@example.com"],
    ["white space inside", "ann smith@example.com"],
    ["a line feed", "ann@example.com\nbcc: eve@example.com"],
    ["a NUL", "ann\0@example.com"],
    ["a lone surrogate", "ann\ud800@example.com"],
    ["255 characters", `${"a".repeat(60)}@${"b".repeat(190)}.com`],
    ["nothing", ""],
  ])("with %s is refused", (_what, address) => {
    expect(emailAddress.safeParse(address).success).toBe(false);
  });
});
