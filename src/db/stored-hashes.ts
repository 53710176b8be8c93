import type { SqlConnection } from "./drivers/sql-connection.ts";

/** An account's password hash as it is stored: one string, or in the old table a bare digest with its salt beside it. */
export interface HashRow {
  readonly id: string;
  readonly passwordHash: string;
  readonly salt: string | null;
}

export interface Replacement extends HashRow {
  readonly newHash: string;
}

// Through the whole row, so that it also works after migration 0002, which removes the column.
const SALT = "to_jsonb(users) ->> 'salt'";
const COLUMNS = `id, password_hash, ${SALT}`;

/** Begins the string of an account whose hash could not be wrapped (src/cli/hashes/set-aside.ts); 0002 lets it pass. */
export const SET_ASIDE_PREFIX = "$argon2id-unusable$";

/**
 * `legacy`: what keeps migration 0002 waiting. `set-aside`: marked as past wrapping. `labelled`: strings that say how a legacy
 * digest was made.
 */
export type HashSelection = "all" | "legacy" | "legacy or set-aside" | "labelled";

const CONDITIONS: Readonly<Record<HashSelection, string>> = {
  all: "true",
  legacy: `(${SALT} is not null or password_hash not like '$argon2id%')`,
  "legacy or set-aside": `(${SALT} is not null or password_hash not like '$argon2id%' or password_hash like '${SET_ASIDE_PREFIX}%')`,
  labelled: "(password_hash like '$argon2id-over-%' or password_hash like '$legacy-%')",
};

/** False for a table that still is as the old application made it, whose column is too narrow for our strings. */
export async function hasRoomForOurHashes(connection: SqlConnection): Promise<boolean> {
  const [row] = await connection.query(`
    select character_maximum_length >= 255 from information_schema.columns
    where table_schema = current_schema() and table_name = 'users' and column_name = 'password_hash'`);
  return row?.[0] === true;
}

export async function countHashes(connection: SqlConnection, which: HashSelection): Promise<number> {
  const [row] = await connection.query(`select count(*) from users where ${CONDITIONS[which]}`);
  return Number(row?.[0]);
}

/** All of them in order of id, `batchSize` at once; the next are read when the last were dealt with. */
export async function* readHashes(
  connection: SqlConnection,
  { which, batchSize }: { readonly which: HashSelection; readonly batchSize: number },
): AsyncGenerator<readonly HashRow[]> {
  for (let after: string | null = null; ; ) {
    const rows = await connection.query(
      `select ${COLUMNS} from users
       where ${CONDITIONS[which]} and ($1::uuid is null or id > $1::uuid) order by id limit $2`,
      [after, batchSize],
    );
    if (rows.length === 0) return;
    const batch = rows.map(toHashRow);
    yield batch;
    after = batch.at(-1)?.id ?? null;
  }
}

/** The account with this id or address, as typed or in our one spelling; undefined when there is none. */
export async function findHash(
  connection: SqlConnection,
  { typed, normal }: { readonly typed: string; readonly normal: string | null },
): Promise<HashRow | undefined> {
  const [row] = await connection.query(
    `select ${COLUMNS} from users where id::text = lower($1) or email = $1 or lower(email) = lower($2)
     order by (email = $1) desc limit 1`,
    [typed, normal],
  );
  return row === undefined ? undefined : toHashRow(row);
}

/**
 * Stores the new hashes of those rows that nobody changed meanwhile, all of them in one statement, and gives their ids. The
 * database clears the salts (migration 0001).
 */
export async function replaceHashes(
  connection: SqlConnection,
  replacements: readonly Replacement[],
): Promise<string[]> {
  if (replacements.length === 0) return [];
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

/** Puts a new hash in the place of whatever is there, and ends the account's sessions, both or neither. */
export async function resetHash(
  connection: SqlConnection,
  { id, newHash }: Pick<Replacement, "id" | "newHash">,
): Promise<void> {
  await connection.query(
    `with ended as (delete from sessions where user_id = $1::uuid)
     update users set password_hash = $2 where id = $1::uuid`,
    [id, newHash],
  );
}

function toHashRow([id, passwordHash, salt]: readonly unknown[]): HashRow {
  return { id: String(id), passwordHash: String(passwordHash), salt: salt === null ? null : String(salt) };
}
