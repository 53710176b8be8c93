import type { Credentials } from "../../db/users.ts";
import { kindOfStoredHash } from "../../password/stored-hash.ts";
import { readSetAside } from "../hashes/set-aside.ts";

/** How an account's password is stored and what that means for whoever runs the site; nothing of the hash itself. */
export function storedForm({ passwordHash, salt }: Pick<Credentials, "passwordHash" | "salt">): string {
  if (readSetAside(passwordHash) !== undefined)
    return "marked by hashes wrap --disable-unwrappable: nobody can log in until gatehouse hashes reset";
  if (salt !== null) return FORMS.legacy;
  return FORMS[kindOfStoredHash(passwordHash)];
}

const FORMS = {
  argon2id: "Argon2id",
  wrapped: "Argon2id around an old hash, plain Argon2id from the next log-in on",
  legacy: "an old, fast hash (gatehouse hashes wrap)",
  unreadable: "unreadable: nobody can log in until gatehouse hashes reset",
} as const;
