import * as z from "zod";
import { DEFAULT_MIN_LENGTH, LOWEST_MIN_LENGTH } from "../auth/password-policy.ts";
import type { LegacyScheme } from "../auth/stored-password.ts";
import { chooseDriver, DRIVER_NAMES, type DriverName } from "../db/drivers/choose-driver.ts";
import { HASHER_DEFAULTS, type HasherOptions } from "../password/hasher-options.ts";
import { readPeppers } from "../password/peppers.ts";

/** Settings as they come: the environment of a process, or the bindings of a Worker. */
export type SettingsSource = Readonly<Record<string, unknown>>;

/** What one edge runs with, everything checked. */
export interface EdgeSettings {
  readonly appOrigin: string;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly registration: "open" | "closed";
  readonly passwordMinLength: number;
  readonly legacy: LegacyScheme;
  readonly hasher: HasherOptions & { readonly threads: number | undefined };
  readonly daemonUrl: string;
  readonly daemonAudience: string;
  readonly databaseUrl: string | undefined;
  readonly databaseDriver: DriverName;
  /** `host:port` of a Neon endpoint on loopback, for development and tests. */
  readonly neonLocalAddress: string | undefined;
}

/** A setting that cannot be used; the message names it and says what would do. Values stay out of it, for some are secret. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly code = "SETTINGS_INVALID";
}

const unset = z.literal("").transform(() => undefined);
const optional = <T>(schema: z.ZodType<T>) => z.union([unset, schema]).optional();
const count = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** One schema a setting, with the sentence that a person gets who set it to something else. */
const SETTINGS = {
  APP_ORIGIN: [optional(z.string()), "an origin such as https://login.example.com"],
  REGISTRATION: [optional(z.enum(["open", "closed"])), "open or closed"],
  PASSWORD_PROFILE: [optional(z.enum(["standard", "development"])), "standard or development"],
  PASSWORD_PEPPERS: [optional(z.string()), 'JSON like {"<keyid>":"<base64 key>"}'],
  PASSWORD_MIN_LENGTH: [optional(count(LOWEST_MIN_LENGTH, 256)), `a number from ${LOWEST_MIN_LENGTH} to 256`],
  LEGACY_HASH_ORDER: [optional(z.enum(["salt-password", "password-salt"])), "salt-password or password-salt"],
  LEGACY_SALT_ENCODING: [optional(z.enum(["utf8", "hex", "base64"])), "utf8, hex or base64"],
  HASH_THREADS: [optional(count(1, 64)), "a number from 1 to 64"],
  HASH_QUEUE: [optional(count(1, 10_000)), "a number from 1 to 10000"],
  DAEMON_URL: [optional(z.string().refine(isOrigin)), "the daemon's http or https address, without a path"],
  DAEMON_AUDIENCE: [optional(z.string().max(200)), "a name of at most 200 characters"],
  DATABASE_URL: [optional(z.string().regex(/^postgres(ql)?:\/\//)), "a postgres:// address"],
  DATABASE_DRIVER: [optional(z.enum(DRIVER_NAMES)), `one of ${DRIVER_NAMES.join(", ")}`],
  NEON_LOCAL_ADDRESS: [optional(z.string().regex(/^(127\.0\.0\.1|localhost):\d{1,5}$/)), "host:port on loopback"],
  EMAIL_VERIFICATION: [optional(z.enum(["off"])), "off: sending mail is not part of this version"],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

type Settings = { [Name in keyof typeof SETTINGS]: z.infer<(typeof SETTINGS)[Name][0]> };

/**
 * Reads and checks an edge's settings. `ownOrigin` is the address it listens on, where there is one (not on Workers).
 * Throws SettingsError.
 */
export function readSettings(source: SettingsSource, ownOrigin?: string): EdgeSettings {
  const settings = parseAll(source);
  const appOrigin = readOrigin(settings.APP_ORIGIN ?? ownOrigin);
  const loopback = isLoopback(appOrigin);
  const passwordProfile = settings.PASSWORD_PROFILE ?? HASHER_DEFAULTS.profile;
  if (passwordProfile === "development" && !loopback) {
    throw new SettingsError("PASSWORD_PROFILE=development is for tests: it needs an APP_ORIGIN on loopback.");
  }
  return {
    appOrigin: appOrigin.origin,
    allowedOrigins: new Set(loopback ? loopbackNames(appOrigin) : [appOrigin.origin]),
    registration: settings.REGISTRATION ?? (loopback ? "open" : "closed"),
    passwordMinLength: settings.PASSWORD_MIN_LENGTH ?? DEFAULT_MIN_LENGTH,
    legacy: {
      order: settings.LEGACY_HASH_ORDER ?? "salt-password",
      saltEncoding: settings.LEGACY_SALT_ENCODING ?? "utf8",
    },
    hasher: {
      profile: passwordProfile,
      peppers: orSettingsError(() => readPeppers(settings.PASSWORD_PEPPERS)),
      maxWaiting: settings.HASH_QUEUE,
      threads: settings.HASH_THREADS,
    },
    daemonUrl: settings.DAEMON_URL ?? "http://127.0.0.1:8788",
    daemonAudience: settings.DAEMON_AUDIENCE ?? "gatehouse-daemon",
    databaseUrl: settings.DATABASE_URL,
    databaseDriver: orSettingsError(() => chooseDriver(settings.DATABASE_URL, settings.DATABASE_DRIVER)),
    neonLocalAddress: settings.NEON_LOCAL_ADDRESS,
  };
}

function parseAll(source: SettingsSource): Settings {
  const read = Object.entries(SETTINGS).map(([name, [schema, expected]]) => {
    const result = (schema as z.ZodType).safeParse(source[name]);
    if (!result.success) throw new SettingsError(`${name} must be ${expected}.`);
    return [name, result.data] as const;
  });
  return Object.fromEntries(read) as Settings;
}

function readOrigin(value: string | undefined): URL {
  if (value === undefined) {
    throw new SettingsError("APP_ORIGIN is required here: the origin people see, such as https://login.example.com.");
  }
  const url = isOrigin(value) ? new URL(value) : null;
  if (url === null) {
    throw new SettingsError("APP_ORIGIN must be an origin without a path, such as https://login.example.com.");
  }
  if (url.protocol === "http:" && !isLoopback(url)) {
    throw new SettingsError("APP_ORIGIN must be https, except on loopback: passwords and cookies travel over it.");
  }
  return url;
}

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, origin } = new URL(value);
  return /^https?:$/.test(protocol) && (value === origin || value === `${origin}/`);
}

const LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

function isLoopback(url: URL): boolean {
  return LOOPBACK_HOSTS.includes(url.hostname);
}

function loopbackNames(url: URL): string[] {
  return LOOPBACK_HOSTS.map((host) => `${url.protocol}//${host}${url.port === "" ? "" : `:${url.port}`}`);
}

function orSettingsError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SettingsError((error as Error).message.replace(/\.?$/, "."));
  }
}
