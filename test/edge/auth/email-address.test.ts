import fc from "fast-check";
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
    ["an invisible character", "a\u200bnn@example.com"],
    ["a turned direction", "\u202eann@example.com"],
    ["a dot at its end", "ann@example.com."],
    ["255 characters", `${"a".repeat(60)}@${"b".repeat(190)}.com`],
    ["nothing", ""],
  ])("with %s is refused", (_what, address) => {
    expect(emailAddress.safeParse(address).success).toBe(false);
  });

  it("stays itself when it comes back, whatever was typed", () => {
    const typed = fc.stringMatching(/^[^\s@"]{1,20}@[^\s@]{1,20}$/u);
    fc.assert(
      fc.property(typed, (address) => {
        const once = emailAddress.safeParse(address);
        if (once.success) expect(emailAddress.parse(once.data)).toBe(once.data);
      }),
      { examples: [["J\u030cack@example.com"], ["\u0130@example.com"], ["\u00c5\u0323@example.com"]] },
    );
  });
});
