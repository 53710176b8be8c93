/** The one spelling under which an address is stored and looked up; null for one that nobody can log in with. */
export type NormalAddress = (address: string) => string | null;

export interface ListedAccount {
  readonly id: string;
  readonly email: string;
  /** As Postgres writes it. */
  readonly createdAt: string;
}

/** How many there are, and the first of them: at most 100. */
export interface Accounts<Listed> {
  readonly accounts: number;
  readonly listed: readonly Listed[];
}

export interface RewrittenAddress {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

/** What the addresses of a table are like, seen with our rules. */
export interface AddressReport {
  readonly checked: number;
  /** Accounts whose address is another's in our one spelling, and how many such addresses there are. */
  readonly clashing: Accounts<ListedAccount> & { readonly addresses: number };
  /** Accounts whose address no log-in accepts. They are kept as they are. */
  readonly refused: Accounts<ListedAccount>;
  /** Addresses in a form in which no log-in would find them, and what they become or became. */
  readonly rewritten: Accounts<RewrittenAddress>;
}
