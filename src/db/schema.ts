import { sql } from "drizzle-orm";
import { check, customType, index, pgTable, timestamp, uniqueIndex, uuid, varchar } from "drizzle-orm/pg-core";

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "bytea" });

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** Accounts. Ids are UUIDv7 made by us, so they sort by age; an e-mail address is unique whatever its case. */
export const users = pgTable(
  "users",
  {
    id: uuid("id").primaryKey(),
    email: varchar("email", { length: 255 }).notNull(),
    /** A string of `src/password`: Argon2id PHC, or a legacy digest on its way there. */
    passwordHash: varchar("password_hash", { length: 255 }).notNull(),
    emailVerifiedAt: instant("email_verified_at"),
    /** Set: the account cannot log in, and its sessions are worth nothing. */
    disabledAt: instant("disabled_at"),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (table) => [
    // On lower(), not on the column: while an older application still writes this table it may write mixed case.
    uniqueIndex("users_email_lower_unique").on(sql`lower(${table.email})`),
  ],
);

/** Signed-in browsers and clients. The token itself is never stored, only its SHA-256. */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid("id").primaryKey(),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    tokenHash: bytea("token_hash").notNull(),
    createdAt: instant("created_at").notNull(),
    lastSeenAt: instant("last_seen_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    userAgent: varchar("user_agent", { length: 512 }),
  },
  (table) => [
    uniqueIndex("sessions_token_hash_unique").on(table.tokenHash),
    index("sessions_user_id_index").on(table.userId),
    index("sessions_expires_at_index").on(table.expiresAt),
    check("sessions_token_hash_is_sha256", sql`octet_length(${table.tokenHash}) = 32`),
  ],
);
