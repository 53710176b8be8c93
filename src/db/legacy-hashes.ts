import type { SqlConnection } from "./drivers/sql-connection.ts";

/** An account whose password hash is a bare digest with its salt beside it, or a plain legacy string (`$legacy-…`). */
export interface LegacyRow {
  readonly id: string;
  readonly passwordHash: string;
  readonly salt: string | null;
}

export interface Replacement extends LegacyRow {
  readonly newHash: string;
}

// Through the whole row, so that it also works after migration 0002, which removes the column.
const SALT = "to_jsonb(users) ->> 'salt'";
const IS_LEGACY = `(${SALT} is not null or password_hash like '$legacy-%')`;

/** False for a table that still is as the old application made it, whose column is too narrow for what wrapping gives. */
export async function hasRoomForWrappedHashes(connection: SqlConnection): Promise<boolean> {
  const [row] = await connection.query(`
    select character_maximum_length >= 255 from information_schema.columns
    where table_schema = current_schema() and table_name = 'users' and column_name = 'password_hash'`);
  return row?.[0] === true;
}

export async function countLegacyRows(connection: SqlConnection): Promise<number> {
  const [row] = await connection.query(`select count(*) from users where ${IS_LEGACY}`);
  return Number(row?.[0]);
}

/** The next rows in order of id, after `after`; none when there are no more. */
export async function listLegacyRows(
  connection: SqlConnection,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<LegacyRow[]> {
  const rows = await connection.query(
    `select id, password_hash, ${SALT} from users
     where ${IS_LEGACY} and ($1::uuid is null or id > $1::uuid) order by id limit $2`,
    [after, limit],
  );
  return rows.map(([id, passwordHash, salt]) => ({
    id: String(id),
    passwordHash: String(passwordHash),
    salt: salt === null ? null : String(salt),
  }));
}

/**
 * Stores the new hashes of those rows that nobody changed meanwhile, all of them in one statement, and gives their ids. The
 * database clears the salts (migration 0001).
 */
export async function replaceLegacyHashes(
  connection: SqlConnection,
  replacements: readonly Replacement[],
): Promise<string[]> {
  const rows = await connection.query(
    `update users set password_hash = replacement.new_hash
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as replacement (id, old_hash, old_salt, new_hash)
     where users.id = replacement.id and users.password_hash = replacement.old_hash
       and ${SALT} is not distinct from replacement.old_salt
     returning users.id`,
    [
      replacements.map(({ id }) => id),
      replacements.map(({ passwordHash }) => passwordHash),
      replacements.map(({ salt }) => salt),
      replacements.map(({ newHash }) => newHash),
    ],
  );
  return rows.map(([id]) => String(id));
}

export interface SchemeCount {
  /** How the hashes were made, with their parameters, in the words of the stored strings. */
  readonly scheme: string;
  readonly accounts: number;
}

/** How many accounts have which kind of hash, most first. */
export async function countSchemes(connection: SqlConnection): Promise<SchemeCount[]> {
  const rows = await connection.query(`
    select case
        when ${SALT} is not null then 'old table, digest of ' || length(password_hash) || ' characters'
        when password_hash like '$argon2id-over-%' then
          regexp_replace(substring(password_hash from '^\\$[^$]+\\$[^$]+\\$[^$]+'), ',s=[^$]*', '')
        when password_hash like '$argon2id$%' then substring(password_hash from '^\\$[^$]+\\$[^$]+\\$[^$]+')
        when password_hash like '$legacy-%' then substring(password_hash from '^\\$[^$]+\\$[^$]+')
        else 'unreadable'
      end as scheme, count(*)
    from users group by scheme order by count(*) desc, scheme`);
  return rows.map(([scheme, accounts]) => ({ scheme: String(scheme), accounts: Number(accounts) }));
}
