import { normalAddress } from "../../auth/email-address.ts";
import { findUserById } from "../../db/account-administration.ts";
import type { Database } from "../../db/database.ts";
import { type Credentials, findUserByEmail } from "../../db/users.ts";
import { isAccountId } from "./account-id.ts";

/**
 * The account with this id or address, as typed or in our one spelling. Throws an Error with a sentence when there is none, and
 * `DatabaseError`.
 */
export async function findAccount(db: Database, who: string): Promise<Credentials> {
  const account = isAccountId(who) ? await findUserById(db, who) : await findByAddress(db, who);
  if (account === null) throw new Error("there is no account with this address or id: gatehouse users list shows all");
  return account;
}

async function findByAddress(db: Database, typed: string): Promise<Credentials | null> {
  const normal = normalAddress(typed);
  const found = normal === null ? null : await findUserByEmail(db, normal);
  return found ?? (await findUserByEmail(db, typed));
}
