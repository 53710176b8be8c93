import type { SqlConnection } from "../drivers/sql-connection.ts";

/**
 * What the database's tables are, one sorted line a column, index and constraint, in Postgres' own words: two databases that
 * give the same lines have the same tables. Covers the current schema only, so not drizzle's journal.
 */
export async function readCatalog(connection: SqlConnection): Promise<string[]> {
  const rows = await connection.query(CATALOG);
  return rows.map(([line]) => String(line)).sort();
}

const CATALOG = `
  with tables as (
    select oid, relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace
  )
  select format('column %s.%s %s%s%s', tables.relname, attname, format_type(atttypid, atttypmod),
      case when attnotnull then ' not null' else '' end,
      coalesce(' default ' || pg_get_expr(adbin, adrelid), ''))
    from tables
    join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
  union all
  select format('index %s', pg_get_indexdef(indexrelid, 0, true)) from tables join pg_index on indrelid = tables.oid
  union all
  select format('constraint %s.%s %s', tables.relname, conname, pg_get_constraintdef(pg_constraint.oid, true))
    from tables join pg_constraint on conrelid = tables.oid where contype in ('c', 'f', 'p', 'u')
  union all
  select format('trigger %s', pg_get_triggerdef(pg_trigger.oid, true))
    from tables join pg_trigger on tgrelid = tables.oid where not tgisinternal`;
