import type { MigrationTarget } from "./migrate.ts";

export interface ClashingAccount {
  readonly id: string;
  readonly email: string;
  /** As Postgres writes it. */
  readonly createdAt: string;
}

/** Accounts of the old table whose addresses differ from another's only in upper and lower case, address by address. */
export async function findAddressClashes(target: MigrationTarget): Promise<ClashingAccount[]> {
  const connection = await target.connect();
  try {
    const rows = await connection.query(`
      select id, email, created_at from users
      where lower(email) in (select lower(email) from users group by lower(email) having count(*) > 1)
      order by lower(email), created_at`);
    return rows.map(([id, email, createdAt]) => ({
      id: String(id),
      email: String(email),
      createdAt: String(createdAt),
    }));
  } finally {
    await connection.close();
  }
}
