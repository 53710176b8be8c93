-- What `lower()` makes of an address depends on the database's locale, and 0002 trusts it. The migrator itself, which knows our one
-- spelling, looks at every address before this file and rewrites what no log-in would find (src/db/migrator/settle-addresses.ts).
-- The file says in the journal that this is done; a database that an earlier version has contracted is mended by it too.
SELECT 1;
