import type { SqlConnection } from "../drivers/sql-connection.ts";
import { MigrationError } from "./migration-error.ts";

/** The first migration: it takes the old table as it is, and knows it by its columns' types. */
export const TOLERATING = "0000_tolerate_the_old_table";

/** What of a table `users` keeps the first migration, or what comes after it, from working. */
export interface TableDifference {
  readonly column: string;
  /** In words, such as `email is text, must be varchar(255)`. */
  readonly says: string;
  /** The clauses of `ALTER TABLE users` that mend it, where that is simple. */
  readonly mend?: string;
}

export interface TableReport {
  /** Ours already, made by drizzle-kit push: differences are as they should be then. */
  readonly pushed: boolean;
  readonly differences: readonly TableDifference[];
}

/**
 * Compares a table `users` that no migration has touched with the old one. What the later steps do not mind is no difference:
 * any length of a varchar that is not too short, a salt that may be null, missing defaults, columns that fill themselves, and no
 * unique constraint on the address. Null when there is no such table.
 */
export async function inspectOldTable(connection: SqlConnection): Promise<TableReport | null> {
  const columns = await readColumns(connection);
  if (columns.size === 0) return null;
  const hasPrimaryKey = [...columns.values()].some(({ inPrimaryKey }) => inPrimaryKey);
  return {
    pushed: columns.has("disabled_at") && !columns.has("salt") && (await hasSessions(connection)),
    differences: [
      ...[...WANTED].flatMap(([name, wanted]) => compare({ name, wanted, is: columns.get(name), hasPrimaryKey })),
      ...[...columns].filter(([name]) => !WANTED.has(name)).flatMap(([name, is]) => judgeForeign(name, is)),
    ],
  };
}

/** Throws `MigrationError` `TABLE_UNKNOWN`, which names each difference and what mends it, when there are any. */
export async function refuseOtherTable(connection: SqlConnection): Promise<void> {
  const report = await inspectOldTable(connection);
  if (report === null || report.differences.length === 0) return;
  throw new MigrationError("TABLE_UNKNOWN", describeTable(report).join("\n"));
}

/** What there is to say about the table, line by line, without any row's values. Nothing to say gives no line. */
export function describeTable({ pushed, differences }: TableReport): string[] {
  if (pushed) return ["drizzle-kit push made these tables: record that with: gatehouse db migrate --baseline"];
  if (differences.length === 0) return [];
  const mends = differences.flatMap(({ mend }) => (mend === undefined ? [] : [mend]));
  return [
    'there is a table "users" that is not quite the old one:',
    ...differences.map(({ says }) => `  ${says}`),
    ...(mends.length === 0
      ? []
      : [
          `This mends ${mends.length === differences.length ? "it" : "a part of it"}; try it on a copy first, then migrate:`,
          `  alter table users ${mends.join(", ")};`,
        ]),
    ...(mends.length === differences.length ? [] : [ELSEWHERE]),
  ];
}

const ELSEWHERE =
  "What no line mends is for you to change; or give Gatehouse a database of its own and take the accounts there, with\n" +
  "new ids where they have none that are uuids: gatehouse users import FILE";

interface Column {
  /** As information_schema calls it, which is what the first migration looks at. */
  readonly type: string;
  /** Characters; null where there is no limit. */
  readonly length: number | null;
  /** As people write it. */
  readonly spelled: string;
  readonly nullable: boolean;
  readonly fillsItself: boolean;
  readonly inPrimaryKey: boolean;
}

interface WantedColumn {
  readonly type: string;
  readonly spelled: string;
  /** Below that, addresses that we accept do not fit; other widths the second migration sets. */
  readonly minLength?: number;
  readonly mayBeNull?: boolean;
  readonly primaryKey?: boolean;
  /** How to make it of another type: no entry where that takes more than a clause. */
  readonly from: Readonly<Record<string, string>>;
  readonly add?: string;
}

const VARCHAR = "character varying";
const AS_TEXT = { text: "", character: "", citext: "" };
const OF_BYTES = { ...AS_TEXT, bytea: "encode(%, 'hex')" };

const WANTED: ReadonlyMap<string, WantedColumn> = new Map([
  ["id", { type: "uuid", spelled: "uuid", primaryKey: true, from: { text: "%::uuid", [VARCHAR]: "%::uuid" } }],
  ["email", { type: VARCHAR, spelled: "varchar(255)", minLength: 255, from: AS_TEXT }],
  ["password_hash", { type: VARCHAR, spelled: "varchar(128)", from: OF_BYTES }],
  ["salt", { type: VARCHAR, spelled: "varchar(64)", mayBeNull: true, from: OF_BYTES }],
  [
    "created_at",
    {
      type: "timestamp with time zone",
      spelled: "timestamptz",
      from: { "timestamp without time zone": "% at time zone 'UTC'" },
      add: "timestamptz not null default now()",
    },
  ],
]);

/** What the second migration adds. */
const OURS = ["email_verified_at", "disabled_at"];

function compare(column: {
  readonly name: string;
  readonly wanted: WantedColumn;
  readonly is: Column | undefined;
  readonly hasPrimaryKey: boolean;
}): TableDifference[] {
  const { name, wanted, is, hasPrimaryKey } = column;
  if (is === undefined) {
    const mend = wanted.add === undefined ? {} : { mend: `add column ${name} ${wanted.add}` };
    return [{ column: name, says: `${name} is missing, must be ${wanted.spelled}`, ...mend }];
  }
  const differences: TableDifference[] = [];
  if (is.type !== wanted.type) {
    differences.push({
      column: name,
      says: `${name} is ${is.spelled}, must be ${wanted.spelled}`,
      ...retype(name, wanted, is),
    });
  } else if (is.length !== null && is.length < (wanted.minLength ?? 0)) {
    const mend = `alter column ${name} type ${wanted.spelled}`;
    differences.push({ column: name, says: `${name} is ${is.spelled}, must be ${wanted.spelled}`, mend });
  }
  if (is.nullable && wanted.mayBeNull !== true) {
    const mend = `alter column ${name} set not null`;
    differences.push({ column: name, says: `${name} may be null, must be not null`, mend });
  }
  if (wanted.primaryKey === true && !is.inPrimaryKey) {
    const mend = hasPrimaryKey ? {} : { mend: `add primary key (${name})` };
    differences.push({ column: name, says: `${name} is not the primary key, must be`, ...mend });
  }
  return differences;
}

function retype(name: string, { spelled, from }: WantedColumn, is: Column): { mend?: string } {
  const using = from[is.type === "USER-DEFINED" ? is.spelled : is.type];
  if (using === undefined) return {};
  return {
    mend: `alter column ${name} type ${spelled}${using === "" ? "" : ` using ${using.replace("%", name)}`}`,
  };
}

/** A column that neither the old table has nor we fill. */
function judgeForeign(name: string, { nullable, fillsItself }: Column): TableDifference[] {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  if (OURS.includes(name)) return [{ column: name, says: `${name} is a name that we need, must be called otherwise` }];
  if (nullable || fillsItself) return [];
  const says = `${name} is not null without a default, must have one or may be null: new accounts have no value for it`;
  return [{ column: name, says, mend: `alter column ${quoted} drop not null` }];
}

async function hasSessions(connection: SqlConnection): Promise<boolean> {
  const [row] = await connection.query("select to_regclass(quote_ident(current_schema()) || '.sessions') is not null");
  return row?.[0] === true;
}

async function readColumns(connection: SqlConnection): Promise<Map<string, Column>> {
  const rows = await connection.query(COLUMNS);
  return new Map(
    rows.map(([name, type, length, udt, nullable, fillsItself, inPrimaryKey]) => [
      String(name),
      {
        type: String(type),
        length: length === null ? null : Number(length),
        spelled: spell({ type: String(type), length, udt: String(udt) }),
        nullable: nullable === true,
        fillsItself: fillsItself === true,
        inPrimaryKey: inPrimaryKey === true,
      },
    ]),
  );
}

function spell({
  type,
  length,
  udt,
}: {
  readonly type: string;
  readonly length: unknown;
  readonly udt: string;
}): string {
  if (type === "USER-DEFINED" || type === "ARRAY") return udt;
  const name = { [VARCHAR]: "varchar", character: "char" }[type] ?? type;
  return length === null ? name : `${name}(${length})`;
}

const COLUMNS = `
  select column_name::text, data_type::text, character_maximum_length::integer, udt_name::text, is_nullable = 'YES',
    column_default is not null or is_identity = 'YES' or is_generated = 'ALWAYS',
    exists (
      select 1 from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey::int2[])
      where indrelid = format('%I.%I', table_schema, table_name)::regclass and indisprimary and attname = column_name
    )
  from information_schema.columns
  where table_schema = current_schema() and table_name = 'users'
  order by ordinal_position`;
