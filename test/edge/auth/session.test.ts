import { describe, expect, it } from "vitest";
import { createSession, SESSION_ABSOLUTE_MS, SESSION_IDLE_MS, slide } from "../../../src/auth/session.ts";
import { createSessionToken, hashSessionToken } from "../../../src/auth/session-token.ts";

const HOUR_MS = 3_600_000;
const start = new Date("2026-11-24T12:00:00Z");
const later = (ms: number) => new Date(start.getTime() + ms);
const counting = (length: number) => Uint8Array.from({ length }, (_, index) => index);

const session = {
  id: "0193-…",
  userId: "u",
  createdAt: start,
  lastSeenAt: start,
  expiresAt: later(SESSION_IDLE_MS),
  userAgent: null,
};

describe("a session's expiry", () => {
  it("stays as it is within an hour of the last use", () => {
    expect(slide(session, later(HOUR_MS - 1))).toBeNull();
  });

  it("moves to a week from now after an hour", () => {
    expect(slide(session, later(HOUR_MS))).toEqual({
      id: session.id,
      lastSeenAt: later(HOUR_MS),
      expiresAt: later(HOUR_MS + SESSION_IDLE_MS),
    });
  });

  it("never moves past thirty days from the start", () => {
    const late = later(SESSION_ABSOLUTE_MS - HOUR_MS);
    expect(slide(session, late)?.expiresAt).toEqual(later(SESSION_ABSOLUTE_MS));
  });
});

describe("a session's token", () => {
  it("is 256 bits in base64url, and only its SHA-256 is for storing", () => {
    const { token, tokenHash } = createSessionToken(counting);
    expect(token).toBe(Buffer.from(counting(32)).toString("base64url"));
    expect(tokenHash).toHaveLength(32);
    expect(hashSessionToken(token)).toEqual(tokenHash);
  });

  it.each(["", "short", "a".repeat(44), `${"a".repeat(42)}=`, `${"a".repeat(42)}é`])("cannot be %j", (presented) => {
    expect(hashSessionToken(presented)).toBeNull();
  });

  it("keeps a user agent readable and bounded", () => {
    const { userAgent } = createSession(
      { now: () => start, randomBytes: counting },
      { userId: "u", userAgent: `a\0\ud800${"b".repeat(400)}` },
    );
    expect(userAgent).toMatch(/^a\ufffdb+$/);
    expect(userAgent?.length).toBeLessThanOrEqual(255);
  });
});
