import type { SqlConnection } from "../drivers/sql-connection.ts";
import type { Accounts, AddressReport, ListedAccount, NormalAddress, RewrittenAddress } from "./address-report.ts";

/** Rows read at once. */
const BATCH = 2_000;

/** Accounts a report names; the rest it counts. */
const MAX_LISTED = 100;

/**
 * Reads every address, batch by batch, and leaves a temporary table `odd_addresses` of those that no look-up would find, because
 * `lower()` does not make of them what `normalAddress` does. Inside a transaction, at whose end the table goes.
 */
export async function scanAddresses(
  connection: SqlConnection,
  normalAddress: NormalAddress,
): Promise<Pick<AddressReport, "checked" | "refused">> {
  // Made from the columns themselves, so that it compares as they do.
  await connection.query(
    "create temporary table odd_addresses on commit drop as select id, email, email as normal from users with no data",
  );
  const refused: ListedAccount[] = [];
  let refusedCount = 0;
  let checked = 0;
  for await (const batch of readAddresses(connection)) {
    const odd: RewrittenAddress[] = [];
    for (const { lowered, ...account } of batch) {
      const normal = normalAddress(account.email);
      if (normal === null) {
        refusedCount += 1;
        if (refused.length < MAX_LISTED) refused.push(account);
      } else if (normal !== lowered) {
        odd.push({ id: account.id, from: account.email, to: normal });
      }
    }
    await keep(connection, odd);
    checked += batch.length;
  }
  // A look-up lowers both sides: in a Postgres that knows more letters than we do, these are found as they are.
  await connection.query("delete from odd_addresses where lower(email) = lower(normal)");
  return { checked, refused: { accounts: refusedCount, listed: refused } };
}

/**
 * Accounts that share an address once it is in our one spelling, address by address. What nobody can log in with counts too, as
 * `lower()` makes it: the unique index admits it once.
 */
export async function findClashes(connection: SqlConnection): Promise<AddressReport["clashing"]> {
  const rows = await connection.query(
    `with keyed as (
       select users.id, users.email, users.created_at, lower(coalesce(odd_addresses.normal, users.email)) as key
       from users left join odd_addresses on odd_addresses.id = users.id and odd_addresses.email = users.email
     ), clashing as (select key from keyed group by key having count(*) > 1)
     select id, email, created_at, count(*) over (), (select count(*) from clashing)
     from keyed where key in (select key from clashing) order by key, created_at, id limit ${MAX_LISTED}`,
  );
  return {
    addresses: Number(rows[0]?.[4] ?? 0),
    accounts: Number(rows[0]?.[3] ?? 0),
    listed: rows.map(([id, email, createdAt]) => ({
      id: String(id),
      email: String(email),
      createdAt: String(createdAt),
    })),
  };
}

/** What `scanAddresses` found odd. */
export function findOddAddresses(connection: SqlConnection): Promise<Accounts<RewrittenAddress>> {
  return listRewritten(connection, "select id, email, normal from odd_addresses");
}

/** Puts our spelling in the place of the odd ones that still are what was read, and gives those. */
export function rewriteOddAddresses(connection: SqlConnection): Promise<Accounts<RewrittenAddress>> {
  return listRewritten(
    connection,
    `update users set email = odd_addresses.normal from odd_addresses
     where users.id = odd_addresses.id and users.email = odd_addresses.email
     returning users.id, odd_addresses.email, odd_addresses.normal`,
  );
}

async function listRewritten(connection: SqlConnection, rows: string): Promise<Accounts<RewrittenAddress>> {
  const listed = await connection.query(
    `with rewritten (id, email, normal) as (${rows})
     select id, email, normal, count(*) over () from rewritten order by id limit ${MAX_LISTED}`,
  );
  return {
    accounts: Number(listed[0]?.[3] ?? 0),
    listed: listed.map(([id, from, to]) => ({ id: String(id), from: String(from), to: String(to) })),
  };
}

interface ReadAddress extends ListedAccount {
  /** As Postgres makes it lower case. */
  readonly lowered: string;
}

async function* readAddresses(connection: SqlConnection): AsyncGenerator<readonly ReadAddress[]> {
  let after: string | null = null;
  for (;;) {
    const rows = await connection.query(
      `select id, email, created_at, lower(email) from users
       where $1::uuid is null or id > $1::uuid order by id limit ${BATCH}`,
      [after],
    );
    const batch = rows.map(([id, email, createdAt, lowered]) => ({
      id: String(id),
      email: String(email),
      createdAt: String(createdAt),
      lowered: String(lowered),
    }));
    if (batch.length > 0) yield batch;
    after = batch.at(-1)?.id ?? null;
    if (batch.length < BATCH) return;
  }
}

async function keep(connection: SqlConnection, odd: readonly RewrittenAddress[]): Promise<void> {
  if (odd.length === 0) return;
  await connection.query(
    "insert into odd_addresses select * from unnest($1::uuid[], $2::text[], $3::text[]) as read (id, email, normal)",
    [odd.map(({ id }) => id), odd.map(({ from }) => from), odd.map(({ to }) => to)],
  );
}
