import * as z from "zod";

/** RFC 5321 section 4.5.3.1.3: a path is at most 256 octets including its two brackets. */
const MAX_EMAIL_LENGTH = 254;

/**
 * An e-mail address as it is stored and compared: NFC, lower case, no surrounding white space, so that an account has one spelling.
 * Accepts internationalised addresses (RFC 6531); whether mail arrives is for the verification mail to find out.
 */
export const emailAddress = z
  .string()
  .trim()
  .max(MAX_EMAIL_LENGTH, `An e-mail address has at most ${MAX_EMAIL_LENGTH} characters.`)
  .regex(z.regexes.unicodeEmail, "This is not an e-mail address.")
  .refine(
    (address) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(address),
    "An e-mail address holds no control or invisible characters.",
  )
  .refine((address) => !address.endsWith("."), "An e-mail address does not end with a dot.")
  // Lower-casing may undo the composition, so it is composed again: the result stays itself when it comes back.
  .transform((address) => address.normalize("NFC").toLowerCase().normalize("NFC"))
  .refine((address) => address.length <= MAX_EMAIL_LENGTH, "This e-mail address is too long.");

/**
 * The one spelling of an address that came from elsewhere, an older table for example; null when nobody can log in with it.
 * Composed first: what is too long only because its accents stand apart can be typed in fewer characters.
 */
export function normalAddress(address: string): string | null {
  const normal = emailAddress.safeParse(address.normalize("NFC"));
  return normal.success ? normal.data : null;
}
