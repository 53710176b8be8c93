import { AuthError, DatabaseError } from "../errors.ts";

/** Does `insert`, whose only value that another account may have is the address. Throws AuthError EMAIL_TAKEN, and what else it throws. */
export async function orEmailTaken<T>(insert: () => Promise<T>): Promise<T> {
  try {
    return await insert();
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "UNIQUE_VIOLATION") {
      throw new AuthError("EMAIL_TAKEN", "There is an account for this e-mail address already.", { cause: error });
    }
    throw error;
  }
}
