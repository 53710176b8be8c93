import type { CheckedSession } from "../auth/session.ts";

/** A user and a session as callers see them: what is secret or internal is left out by naming what is not. */
export function represent({ user, session }: CheckedSession) {
  return {
    user: {
      id: user.id,
      email: user.email,
      emailVerified: user.emailVerifiedAt !== null,
      createdAt: user.createdAt.toISOString(),
    },
    session: {
      id: session.id,
      createdAt: session.createdAt.toISOString(),
      lastSeenAt: session.lastSeenAt.toISOString(),
      expiresAt: session.expiresAt.toISOString(),
      current: true,
      userAgent: session.userAgent,
    },
  };
}
