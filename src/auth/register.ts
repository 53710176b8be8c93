import { insertUserWithSession } from "../db/users.ts";
import { AuthError } from "../errors.ts";
import type { AuthDeps } from "./deps.ts";
import { orEmailTaken } from "./email-taken.ts";
import { checkNewPassword } from "./password-policy.ts";
import { createSession, newId, type OpenedSession } from "./session.ts";

export interface Registration {
  /** Normalised by `emailAddress`. */
  readonly email: string;
  readonly password: string;
  readonly userAgent: string | null;
  readonly signal?: AbortSignal;
}

/**
 * Makes an account and signs it in, both or neither. The unique index decides between two registrations at once.
 * Throws AuthError REGISTRATION_CLOSED or EMAIL_TAKEN, PasswordError, HasherError, DatabaseError.
 */
export async function register(deps: AuthDeps, registration: Registration): Promise<OpenedSession> {
  if (deps.policy.registration === "closed") {
    throw new AuthError("REGISTRATION_CLOSED", "Registration is closed here; ask the people who run this site.");
  }
  checkNewPassword(registration.password, { minLength: deps.policy.passwordMinLength });
  const passwordHash = await deps.hasher.hash(
    registration.password,
    registration.signal ? { signal: registration.signal } : {},
  );
  const id = newId(deps);
  const { token, ...session } = createSession(deps, { userId: id, userAgent: registration.userAgent });
  const user = { id, email: registration.email, passwordHash, createdAt: session.createdAt };
  const inserted = await orEmailTaken(() => insertUserWithSession(deps.db, { user, session }));
  return { user: inserted, session, token };
}
