import { describe, expect, it } from "vitest";
import { normalisePassword } from "../../../src/password/password-input.ts";

const refusal = (password: string) => {
  try {
    normalisePassword(password);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("a password", () => {
  it("is the same composed and decomposed", () => {
    expect(normalisePassword("caf\u0065\u0301")).toBe(normalisePassword("caf\u00e9"));
  });

  it("keeps what only looks the same apart", () => {
    expect(normalisePassword("\ufb01sh")).not.toBe(normalisePassword("fish"));
  });

  it.each(["", " ", "\0", "пароль", "密码", "🔐🗝️", "a\u0000b"])("may be %j", (password) => {
    expect(normalisePassword(password)).toBe(password);
  });

  it.each(["\ud800", "a\udc00", "\udc00\ud800"])("is refused with half a character in it", (password) => {
    expect(refusal(password)).toMatchObject({ code: "PASSWORD_REFUSED", reason: "malformed" });
  });

  it("may have 256 characters of any kind, and no more", () => {
    expect(normalisePassword("🔐".repeat(256))).toHaveLength(512);
    expect(refusal("🔐".repeat(257))).toMatchObject({ code: "PASSWORD_REFUSED", reason: "too_long" });
    expect(refusal("a".repeat(257))).toMatchObject({ reason: "too_long" });
  });

  it("is counted after it is normalised", () => {
    expect(normalisePassword("e\u0301".repeat(256))).toHaveLength(256);
  });

  it("is refused before it is normalised when it cannot become short enough", () => {
    expect(refusal("e\u0301".repeat(500_000))).toMatchObject({ reason: "too_long" });
  });

  it("is not quoted in the refusal", () => {
    expect(String(refusal(`secret${"x".repeat(300)}`))).not.toContain("secret");
  });
});
