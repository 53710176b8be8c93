import { insertUser, type UserRow } from "../db/users.ts";
import { AuthError, DatabaseError } from "../errors.ts";
import type { AuthDeps } from "./deps.ts";
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
  try {
    return await insertUser(deps.db, { id: newId(deps), email: account.email, passwordHash, createdAt: deps.now() });
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "UNIQUE_VIOLATION") {
      throw new AuthError("EMAIL_TAKEN", "There is an account for this e-mail address already.", { cause: error });
    }
    throw error;
  }
}
