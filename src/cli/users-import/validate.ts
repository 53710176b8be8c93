import { v7 as uuidv7 } from "uuid";
import * as z from "zod";
import { emailAddress } from "../../auth/email-address.ts";
import { describeLegacyHash, type LegacyHashDescription } from "../../password/legacy-hash.ts";
import { assertWithinBounds, BOUNDS } from "../../password/parameters.ts";
import { parseStoredHash } from "../../password/stored-hash.ts";
import type { BadLine, RawRecord } from "./read-records.ts";

/** An account ready to be stored. */
export interface ImportedUser {
  readonly line: number;
  readonly id: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly createdAt: Date;
  readonly emailVerifiedAt: Date | null;
}

export interface ValidateOptions {
  /** How digests with a salt beside them were made; undefined: the file may hold none. */
  readonly scheme:
    | Pick<LegacyHashDescription, "algorithm" | "order" | "digestEncoding" | "saltEncoding" | "iterations">
    | undefined;
  readonly knowsPepper: (keyId: string) => boolean;
  readonly now: Date;
}

/** CSV has no other way to leave a value out. */
const optional = <T>(schema: z.ZodType<T>) =>
  z.preprocess((value) => (value === "" || value === null ? undefined : value), schema.optional());
/** What is an instant for JavaScript and for Postgres, and has a year of four digits: milliseconds since 1970. */
const FIRST_INSTANT = Date.parse("0001-01-01T00:00:00Z");
const LAST_INSTANT = Date.parse("9999-12-31T23:59:59.999Z");

const instant = z.iso
  .datetime({ offset: true, error: "must be an instant such as 2024-05-01T12:00:00Z" })
  .transform((text) => new Date(text))
  .refine(
    (date) => date.getTime() >= FIRST_INSTANT && date.getTime() <= LAST_INSTANT,
    "must be between the years 1 and 9999, in UTC",
  );

const recordSchema = z.strictObject(
  {
    id: optional(z.uuid("must be a UUID")),
    email: emailAddress,
    password_hash: z.string("is missing").min(1, "is missing"),
    // An empty one is a salt too: of a digest made without.
    salt: z.string().nullish(),
    created_at: optional(instant),
    email_verified_at: optional(instant),
  },
  { error: (issue) => (issue.code === "invalid_type" ? "It is not an object." : undefined) },
);

/** Checks every record, alone and against the others. A reason names the column and repeats no value. */
export function validateRecords(
  records: readonly RawRecord[],
  options: ValidateOptions,
): { users: ImportedUser[]; bad: BadLine[] } {
  const users: ImportedUser[] = [];
  const bad: BadLine[] = [];
  const lineByKey = new Map<string, number>();
  for (const { line, values } of records) {
    const result = validate(values, options);
    if ("reason" in result) {
      bad.push({ line, ...result });
      continue;
    }
    const first = lineByKey.get(result.email) ?? lineByKey.get(result.id);
    if (first === undefined) {
      lineByKey.set(result.email, line).set(result.id, line);
      users.push({ line, ...result });
    } else {
      bad.push({ line, reason: `It has the address or the id of line ${first}.` });
    }
  }
  return { users, bad };
}

/** Why a record is bad. */
type Refusal = Omit<BadLine, "line">;

const SCHEME_NEEDED = "Digests need --algorithm and --order, also without a salt.";

function validate(values: unknown, options: ValidateOptions): Omit<ImportedUser, "line"> | Refusal {
  const parsed = recordSchema.safeParse(values);
  if (!parsed.success) return { reason: parsed.error.issues.map(toSentence).join(" ") };
  const { id, email, password_hash, salt, created_at, email_verified_at } = parsed.data;
  const stored = storedHash(password_hash, salt, options);
  if ("reason" in stored) return stored;
  return {
    id: id?.toLowerCase() ?? uuidv7(),
    email,
    passwordHash: stored.passwordHash,
    createdAt: created_at ?? options.now,
    emailVerifiedAt: email_verified_at ?? null,
  };
}

function toSentence({ code, path, message, ...issue }: z.core.$ZodIssue): string {
  if (code === "unrecognized_keys" && "keys" in issue) return `There is no column ${issue.keys.join(", ")}.`;
  if (path.length === 0) return message;
  return message.endsWith(".") ? `${path.join(".")}: ${message}` : `${path.join(".")} ${message}.`;
}

function storedHash(
  text: string,
  salt: string | null | undefined,
  { scheme, knowsPepper }: ValidateOptions,
): { passwordHash: string } | Refusal {
  try {
    const saysItAll = scheme === undefined || (text.startsWith("$") && !salt);
    if (!saysItAll && typeof salt !== "string")
      return { reason: "It has no salt: give an empty one if its digest was made without." };
    const passwordHash = saysItAll ? text : describeLegacyHash({ ...scheme, digest: text, salt: salt ?? "" });
    const parsed = parseStoredHash(passwordHash);
    if (parsed.kind === "legacy") return { passwordHash };
    assertWithinBounds(parsed.argon2.parameters, BOUNDS);
    const { keyId } = parsed.argon2;
    if (keyId !== undefined && !knowsPepper(keyId))
      return { reason: "password_hash needs a pepper that PASSWORD_PEPPERS lacks." };
    return { passwordHash };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "It cannot be read.";
    return scheme === undefined && !text.startsWith("$") ? { reason, advice: SCHEME_NEEDED } : { reason };
  }
}
