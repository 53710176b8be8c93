import { type AnyColumn, Column, fillPlaceholders, is, type Query, type SQL, sql } from "drizzle-orm";
import { PgDatabase, PgDialect, PgPreparedQuery, type PgQueryResultHKT, PgSession } from "drizzle-orm/pg-core";
import type { SelectedFieldsOrdered } from "drizzle-orm/pg-core/query-builders/select.types";

/**
 * One SQL statement, composed once with Drizzle when its module loads and run any number of times on any database: a request
 * pays for no query building, and every statement of the request path can be listed, prepared and explained.
 */
export interface Statement<Values, Row> {
  /** Unique among statements; drivers that can prepare use it as the prepared statement's name. */
  readonly name: string;
  readonly text: string;
  /** Reads only, so it may be sent a second time when its connection turns out to be dead. */
  readonly reads: boolean;
  /** The parameters in the driver's form, in order. */
  bind(values: Values): unknown[];
  decode(row: readonly unknown[]): Row;
}

type Composer = PgDatabase<PgQueryResultHKT>;
type Slot<Values> = (name: keyof Values & string, column: AnyColumn) => SQL;
type Composed<Row> = PromiseLike<Row[]> & { prepare(name: string): unknown };

/**
 * Starts a statement that takes `Values`. `as` composes it; `value(name, column)` stands where a value goes and converts it
 * as the column would. A statement that changes rows must end in `returning`, so that all drivers count alike.
 *
 *     const findName = statement<{ id: string }>("find_name").as((compose, value) =>
 *       compose.select({ name: users.name }).from(users).where(eq(users.id, value("id", users.id))));
 */
export function statement<Values extends object>(name: string) {
  return {
    as<Row>(compose: (composer: Composer, value: Slot<Values>) => Composed<Row>): Statement<Values, Row> {
      const value: Slot<Values> = (slot, column) => sql`${sql.param(sql.placeholder(slot), column)}`;
      const prepared = compose(composer, value).prepare(name);
      if (!(prepared instanceof Compiled)) throw new TypeError(`statement ${name} was not made by the composer`);
      return prepared.as<Values, Row>(name);
    },
  };
}

/** What Drizzle hands over when it has finished a statement: its text, parameters and selected fields. */
class Compiled extends PgPreparedQuery<{ execute: never; all: never; values: never }> {
  private readonly fields: SelectedFieldsOrdered;

  constructor(query: Query, fields: SelectedFieldsOrdered | undefined) {
    super(query, undefined, undefined, undefined);
    if (fields === undefined) throw new TypeError("a statement must select or return fields");
    this.fields = fields;
  }

  as<Values extends object, Row>(name: string): Statement<Values, Row> {
    const { sql: text, params } = this.getQuery();
    const fields = this.fields;
    return {
      name,
      text,
      reads: text.startsWith("select "),
      bind: (values) => fillPlaceholders(params, { ...(values as Record<string, unknown>) }),
      decode: (row) => decodeRow(fields, row) as Row,
    };
  }

  override execute(): Promise<never> {
    throw new TypeError("a composed statement runs through Database.query");
  }
}

class ComposerSession extends PgSession {
  override prepareQuery(query: Query, fields: SelectedFieldsOrdered | undefined): Compiled {
    return new Compiled(query, fields);
  }

  override transaction(): Promise<never> {
    throw new TypeError("no driver offers transactions on the request path; use Database.batch");
  }
}

const dialect = new PgDialect();
const composer: Composer = new PgDatabase(dialect, new ComposerSession(dialect), undefined);

/** Inner joins only: a left join's missing side would come back as an object of nulls. */
function decodeRow(fields: SelectedFieldsOrdered, row: readonly unknown[]): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [position, { path, field }] of fields.entries()) {
    const raw = row[position];
    const value = raw !== null && is(field, Column) ? field.mapFromDriverValue(raw) : raw;
    let node = decoded;
    for (const key of path.slice(0, -1)) {
      node[key] ??= {};
      node = node[key] as Record<string, unknown>;
    }
    node[path[path.length - 1] ?? ""] = value;
  }
  return decoded;
}
