import type { Accounts, AddressReport, ListedAccount } from "../../db/migrator/address-report.ts";
import { quoted } from "../printable.ts";

/**
 * What there is to say about the addresses of a table, line by line: who may migrate may see them. `done` is true after the
 * rewriting. Nothing to say gives no line.
 */
export function describeAddresses(
  { clashing, refused, rewritten }: AddressReport,
  { done }: { readonly done: boolean },
): string[] {
  return [
    ...section(
      clashing,
      `${clashing.addresses} addresses belong to ${clashing.accounts} accounts, though one address is one account. Rename or delete all but one of each:`,
      account,
    ),
    // Nothing is rewritten before the clashes are gone.
    ...(clashing.accounts > 0
      ? []
      : section(
          rewritten,
          `${rewritten.accounts} addresses ${done ? "were" : "will be"} put into the form that log-in looks for; people go on typing them as before:`,
          ({ id, from, to }) => `  ${id}  ${quoted(from)} -> ${quoted(to)}`,
        )),
    ...section(
      refused,
      `${refused.accounts} accounts have an address that log-in refuses. They are kept, but nobody can log in with them until you give each a usable one:\n` +
        "update users set email = '<address>' where id = '<id>'",
      account,
    ),
  ];
}

function section<Listed>(
  { accounts, listed }: Accounts<Listed>,
  headline: string,
  line: (item: Listed) => string,
): string[] {
  if (accounts === 0) return [];
  const more = accounts - listed.length;
  return [headline, ...listed.map(line), ...(more > 0 ? [`  and ${more} more`] : [])];
}

function account({ id, email, createdAt }: ListedAccount): string {
  return `  ${id}  ${createdAt}  ${quoted(email)}`;
}
