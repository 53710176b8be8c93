import { insertUser, type UserRow } from "../db/users.ts";
import type { AuthDeps } from "./deps.ts";
import { orEmailTaken } from "./email-taken.ts";
import { checkNewPassword } from "./password-policy.ts";
import { newId } from "./session.ts";

/**
 * Makes an account without signing it in, whether or not registration is open: what an operator does.
 * Throws AuthError EMAIL_TAKEN, PasswordError, HasherError, DatabaseError.
 */
export async function createAccount(
  deps: Pick<AuthDeps, "db" | "hasher" | "now" | "randomBytes"> & { readonly passwordMinLength: number },
  account: { readonly email: string; readonly password: string },
): Promise<UserRow> {
  checkNewPassword(account.password, { minLength: deps.passwordMinLength });
  const passwordHash = await deps.hasher.hash(account.password);
  const user = { id: newId(deps), email: account.email, passwordHash, createdAt: deps.now() };
  return orEmailTaken(() => insertUser(deps.db, user));
}
