import { v7 as uuidv7 } from "uuid";
import type { SessionRow } from "../db/sessions.ts";
import { deleteSession, findSession, touchSession } from "../db/sessions.ts";
import type { UserRow } from "../db/users.ts";
import type { AuthDeps } from "./deps.ts";
import { createSessionToken, hashSessionToken } from "./session-token.ts";

const HOUR_MS = 3_600_000;

/** A session nobody uses ends after a week. */
export const SESSION_IDLE_MS = 7 * 24 * HOUR_MS;

/** No session outlives this, however much it is used: NIST SP 800-63B-4 section 2.1.3 recommends at most 30 days. */
export const SESSION_ABSOLUTE_MS = 30 * 24 * HOUR_MS;

/** Use is written down at most this often, so that most checks only read. */
const TOUCH_INTERVAL_MS = HOUR_MS;

/** User agents are shown to their owner in a list; more than this says nothing more. */
const MAX_USER_AGENT_LENGTH = 255;

export interface OpenedSession {
  readonly user: UserRow;
  readonly session: SessionRow;
  /** For the caller alone; only its hash is stored. */
  readonly token: string;
}

export interface CheckedSession {
  readonly session: SessionRow;
  readonly user: UserRow;
}

export interface NewSession extends SessionRow {
  readonly token: string;
  readonly tokenHash: Uint8Array;
}

/** A session's values, not yet stored: 256-bit token, UUIDv7 id (RFC 9562 section 5.7). */
export function createSession(
  deps: Pick<AuthDeps, "now" | "randomBytes">,
  of: { readonly userId: string; readonly userAgent: string | null },
): NewSession {
  const now = deps.now();
  return {
    ...createSessionToken(deps.randomBytes),
    id: newId(deps),
    userId: of.userId,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: new Date(now.getTime() + SESSION_IDLE_MS),
    userAgent: of.userAgent?.slice(0, MAX_USER_AGENT_LENGTH).toWellFormed().replaceAll("\0", "") ?? null,
  };
}

export function newId(deps: Pick<AuthDeps, "now" | "randomBytes">): string {
  return uuidv7({ msecs: deps.now().getTime(), random: deps.randomBytes(16) });
}

/** The session a token belongs to, or null when there is none that is still good. Slides the expiry at most hourly. */
export async function checkSession(deps: AuthDeps, token: string): Promise<CheckedSession | null> {
  const tokenHash = hashSessionToken(token);
  if (tokenHash === null) return null;
  const now = deps.now();
  const found = await findSession(deps.db, { tokenHash, now });
  if (found === null) return null;
  const touched = slide(found.session, now);
  if (touched !== null) deps.background("touch session", () => touchSession(deps.db, touched));
  return found;
}

/** Ends the session of a token; one that is unknown or ended already is no error. */
export async function endSession(deps: AuthDeps, token: string): Promise<void> {
  const tokenHash = hashSessionToken(token);
  if (tokenHash !== null) await deleteSession(deps.db, { tokenHash });
}

/** Pure: the new times of a session used now, or null when they were written recently. */
export function slide(
  session: SessionRow,
  now: Date,
): { readonly id: string; readonly lastSeenAt: Date; readonly expiresAt: Date } | null {
  if (now.getTime() - session.lastSeenAt.getTime() < TOUCH_INTERVAL_MS) return null;
  const expiresMs = Math.min(now.getTime() + SESSION_IDLE_MS, session.createdAt.getTime() + SESSION_ABSOLUTE_MS);
  return { id: session.id, lastSeenAt: now, expiresAt: new Date(expiresMs) };
}
