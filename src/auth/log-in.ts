import { deleteExpiredSessions, insertSession } from "../db/sessions.ts";
import { SET_ASIDE_PREFIX } from "../db/stored-hashes.ts";
import { type Credentials, findUserByEmail, replacePasswordHash } from "../db/users.ts";
import { AuthError, HasherError } from "../errors.ts";
import type { Verification } from "../password/hasher.ts";
import type { AuthDeps } from "./deps.ts";
import { createSession, endSession, type OpenedSession } from "./session.ts";
import { storedPassword } from "./stored-password.ts";

export interface LogIn {
  /** Normalised by `emailAddress`. */
  readonly email: string;
  readonly password: string;
  readonly userAgent: string | null;
  /** The session the caller came with; it ends when the new one opens (ASVS 5.0 7.2.4). */
  readonly previousToken: string | null;
  readonly signal?: AbortSignal;
}

/**
 * Verifies credentials and opens a session.
 * Throws AuthError INVALID_CREDENTIALS, PasswordError, HasherError HASHER_BUSY, DatabaseError.
 */
export async function logIn(deps: AuthDeps, attempt: LogIn): Promise<OpenedSession> {
  const account = await findUserByEmail(deps.db, attempt.email);
  const verification = await verify(deps, account, attempt);
  if (account === null || !verification.ok || account.user.disabledAt !== null) {
    throw new AuthError("INVALID_CREDENTIALS", "The e-mail address or the password is wrong.");
  }
  if (verification.needsRehash) {
    deps.background("rehash password", () => rehash(deps, account, attempt.password));
  }
  const { token, ...session } = createSession(deps, { userId: account.user.id, userAgent: attempt.userAgent });
  await insertSession(deps.db, session);
  deps.background("delete expired sessions", () => deleteExpiredSessions(deps.db, { now: session.createdAt }));
  if (attempt.previousToken !== null) await endSession(deps, attempt.previousToken);
  return { user: account.user, session, token };
}

/** Hashes even when the account is missing or its hash cannot be read, so that all three answers take the same time. */
async function verify(deps: AuthDeps, account: Credentials | null, { password, signal }: LogIn): Promise<Verification> {
  const options = signal ? { signal } : {};
  try {
    const stored = account === null ? null : storedPassword(account, deps.policy.legacy);
    return await deps.hasher.verify(password, stored, options);
  } catch (error) {
    if (account === null || !(error instanceof HasherError && error.code === "HASH_UNREADABLE")) throw error;
    const verification = await deps.hasher.verify(password, null, options);
    const setAside = account.passwordHash.startsWith(SET_ASIDE_PREFIX);
    deps.unreadableHash({ userId: account.user.id, setAside, cause: error });
    return verification;
  }
}

/** Compare-and-set on the old string, so that a password changed meanwhile is never put back. */
async function rehash(deps: AuthDeps, account: Credentials, password: string): Promise<void> {
  const to = await deps.hasher.hash(password);
  await replacePasswordHash(deps.db, { userId: account.user.id, from: account.passwordHash, to });
}
