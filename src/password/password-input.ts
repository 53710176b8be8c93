import { PasswordError } from "../errors.ts";

export const MAX_CODE_POINTS = 256;
export const MAX_BYTES = 1024;

// A code point's canonical decomposition has at most four code points, eight UTF-16 units: nothing longer can normalise to 256.
const MAX_UNITS_BEFORE_NORMALISING = 8 * MAX_CODE_POINTS;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The text a password is hashed as: Unicode NFC (NIST SP 800-63B-4 section 3.1.1.2), otherwise exactly what was typed, never
 * truncated. Throws `PasswordError`: `malformed` for lone surrogates, which no UTF-8 can carry; `too_long` beyond 256 code
 * points or 1,024 bytes.
 */
export function normalisePassword(password: string): string {
  if (password.length > MAX_UNITS_BEFORE_NORMALISING) {
    throw tooLong();
  }
  if (LONE_SURROGATE.test(password)) {
    throw new PasswordError("malformed", "The password holds half a character (a lone surrogate).");
  }
  const normalised = password.normalize("NFC");
  // 256 code points are never more than 1,024 bytes of UTF-8, so counting these is counting those.
  if ([...normalised].length > MAX_CODE_POINTS) {
    throw tooLong();
  }
  return normalised;
}

function tooLong(): PasswordError {
  return new PasswordError("too_long", `A password has at most ${MAX_CODE_POINTS} characters and ${MAX_BYTES} bytes.`);
}
