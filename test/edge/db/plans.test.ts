import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as accountQueries from "../../../src/db/account-administration.ts";
import type { SqlConnection } from "../../../src/db/drivers/sql-connection.ts";
import { connectTcp } from "../../../src/db/drivers/tcp.ts";
import { migrate } from "../../../src/db/migrator/migrate.ts";
import * as sessionQueries from "../../../src/db/sessions.ts";
import type { Statement } from "../../../src/db/statement.ts";
import * as userQueries from "../../../src/db/users.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";

const USERS = 200_000;
const SESSIONS = 1_000_000;

/** Every statement the query modules export: a new one is explained without anybody having to think of it. */
const statements = Object.values({
  ...userQueries,
  ...sessionQueries,
  ...accountQueries,
} as Record<string, unknown>).filter(isStatement);

function isStatement(value: unknown): value is Pick<Statement<never, unknown>, "name" | "text"> {
  return typeof value === "object" && value !== null && "text" in value;
}

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly Plan[];
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

describe(`the request path at ${SESSIONS} sessions and ${USERS} users`, () => {
  let postgres: PostgresServer;
  let connection: SqlConnection;

  beforeAll(async () => {
    postgres = await startPostgres({
      settings: { wal_level: "minimal", max_wal_senders: 0, maintenance_work_mem: "256MB", max_wal_size: "4GB" },
    });
    await migrate({ connect: () => connectTcp({ url: postgres.url }) });
    connection = await connectTcp({ url: postgres.url });
    await fill(connection);
  }, 120_000);
  afterAll(async () => {
    await connection.close();
    await postgres.stop();
  });

  /** The plan that a prepared statement keeps, whatever its parameters. */
  async function explain(text: string): Promise<Plan> {
    const [row] = await connection.query(`explain (generic_plan, format json) ${text}`);
    const [{ Plan: plan }] = JSON.parse(String(row?.[0])) as [{ Plan: Plan }];
    return plan;
  }

  it("has statements to look at, and would notice a sequential scan", async () => {
    expect(statements.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["disable_user", "find_session", "find_user_by_email", "insert_session", "touch_session"]),
    );
    const plan = await explain("select id from sessions where user_agent = $1");
    expect(nodes(plan).map((node) => node["Node Type"])).toContain("Seq Scan");
  });

  it.each(statements.map(({ name, text }) => [name, text]))(
    "reads no table from end to end for %s",
    async (_, text) => {
      const scanned = nodes(await explain(text)).filter((node) => node["Node Type"] === "Seq Scan");
      expect(scanned.map((node) => node["Relation Name"])).toEqual([]);
    },
  );
});

/** Rows first, indexes and constraints after: a tenth of the time. */
async function fill(connection: SqlConnection): Promise<void> {
  const indexes = await connection.query(
    "select indexdef, indexname from pg_indexes where schemaname = 'public' and indexname like '%_index' or indexname like '%_unique'",
  );
  for (const [, name] of indexes) await connection.query(`drop index ${String(name)}`);
  await connection.query("alter table sessions drop constraint sessions_user_id_users_id_fk");
  await connection.query(
    `insert into users (id, email, password_hash)
     select lpad(to_hex(n), 32, '0')::uuid, 'user' || n || '@example.test', '$argon2id$' || repeat('x', 87) from generate_series(1, ${USERS}) as n`,
  );
  await connection.query(
    `insert into sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at, user_agent)
     select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(1 + n % ${USERS}), 32, '0')::uuid, sha256(n::text::bytea),
       now(), now(), now() + n * interval '1 second', 'Mozilla/5.0' from generate_series(1, ${SESSIONS}) as n`,
  );
  for (const [definition] of indexes) await connection.query(String(definition));
  await connection.query(
    "alter table sessions add constraint sessions_user_id_users_id_fk foreign key (user_id) references users (id) on delete cascade not valid",
  );
  await connection.query("analyze");
}
