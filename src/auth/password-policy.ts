import { PasswordError } from "../errors.ts";

/** NIST SP 800-63B-4 section 3.1.1.2: 15 when the password is the only factor. */
export const DEFAULT_MIN_LENGTH = 15;

/** The floor of the same section; no setting goes below it. */
export const LOWEST_MIN_LENGTH = 8;

/**
 * Decides whether a new password may be used: its length alone, counted in code points after NFC, since composition rules make
 * passwords weaker (NIST SP 800-63B-4 section 3.1.1.2). What no password may be (too long, not Unicode) the hasher refuses.
 * Throws `PasswordError` `too_short`.
 */
export function checkNewPassword(password: string, policy: { readonly minLength: number }): void {
  const length = [...password.normalize("NFC")].length;
  if (length < policy.minLength) {
    throw new PasswordError(
      "too_short",
      `Use at least ${policy.minLength} characters; a few unrelated words are easy to remember.`,
    );
  }
}
