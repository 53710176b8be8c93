import * as z from "zod";
import { emailAddress } from "../auth/email-address.ts";

/**
 * What people sign in with. The password is passed on exactly as received: its rules are the policy's and the hasher's. A string longer
 * than any body may be is refused here only to name the field.
 */
export const credentials = z.object({ email: emailAddress, password: z.string().min(1, "A password is needed.") });
