/**
 * Whether the address leads through PgBouncer: Neon's pooled hosts (`…-pooler.…`), and any that says so with `?pgbouncer=true`.
 * It refuses `statement_timeout` when a connection starts, and hands the session's state, prepared statements among it, to others.
 */
export function leadsThroughPooler(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, searchParams } = new URL(url);
  return /^[^.]+-pooler\./.test(hostname) || searchParams.get("pgbouncer") === "true";
}
