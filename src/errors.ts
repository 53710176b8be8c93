/**
 * The edge's errors.
 *
 *   AppError
 *   ├── CallerError          the caller can mend it: its sentence reaches the caller
 *   │   ├── RequestError     the request is malformed, unknown, too large or from a foreign origin
 *   │   ├── AuthError        who is asking, or may not
 *   │   └── PasswordError    a password that cannot be used
 *   └── ServiceError         ours: the caller gets the code, a general sentence and a request id
 *       ├── HasherError      the password engine
 *       ├── DatabaseError    the database
 *       └── InferenceError   the way to the daemon
 *
 * A message never holds a password, token, hash, address or SQL parameter: messages end in logs.
 */
export interface AppErrorOptions {
  readonly cause?: unknown;
  /** Whole seconds after which trying again is worth it; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

export abstract class AppError extends Error {
  abstract readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export abstract class CallerError extends AppError {}

export abstract class ServiceError extends AppError {}

export type RequestErrorCode =
  | "BAD_REQUEST"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "VALIDATION_FAILED"
  | "ORIGIN_REFUSED";

export interface RequestErrorOptions extends AppErrorOptions {
  /** With `VALIDATION_FAILED`: what did not pass. */
  readonly fields?: readonly { readonly field: string; readonly message: string }[];
  /** With `METHOD_NOT_ALLOWED`: what the route does answer. */
  readonly allow?: readonly string[];
}

export class RequestError extends CallerError {
  readonly fields: RequestErrorOptions["fields"];
  readonly allow: RequestErrorOptions["allow"];

  constructor(
    readonly code: RequestErrorCode,
    message: string,
    options: RequestErrorOptions = {},
  ) {
    super(message, options);
    this.fields = options.fields;
    this.allow = options.allow;
  }
}

export type AuthErrorCode =
  | "UNAUTHENTICATED"
  | "INVALID_CREDENTIALS"
  | "FORBIDDEN"
  | "EMAIL_NOT_VERIFIED"
  | "REGISTRATION_CLOSED"
  | "EMAIL_TAKEN"
  | "TOO_MANY_ATTEMPTS";

export class AuthError extends CallerError {
  constructor(
    readonly code: AuthErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options);
  }
}

/** Why a password was refused; a stable word for programs, the message is for people. */
export type PasswordRefusal = "too_short" | "too_long" | "malformed";

export class PasswordError extends CallerError {
  readonly code = "PASSWORD_REFUSED";

  constructor(
    readonly reason: PasswordRefusal,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options);
  }
}

/**
 * `HASHER_BUSY`: the queue is full or the wait too long. `HASH_UNREADABLE`: a stored hash that is not ours to read (malformed,
 * beyond the bounds, or an unknown pepper). `HASHER_FAILED`: the engine itself broke. The last two reach callers as `INTERNAL`.
 */
export type HasherErrorCode = "HASHER_BUSY" | "HASH_UNREADABLE" | "HASHER_FAILED";

export class HasherError extends ServiceError {
  constructor(
    readonly code: HasherErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options);
  }
}

/**
 * `UNIQUE_VIOLATION` is expected and handled by whoever inserts. `DATABASE_UNAVAILABLE`: unreachable, out of slots, too slow,
 * in conflict with itself or not migrated yet; worth trying again. `QUERY_FAILED`: a defect of ours, reaches callers as `INTERNAL`.
 */
export type DatabaseErrorCode = "UNIQUE_VIOLATION" | "DATABASE_UNAVAILABLE" | "QUERY_FAILED";

export class DatabaseError extends ServiceError {
  /** With `UNIQUE_VIOLATION`: the constraint's name. */
  readonly constraint: string | undefined;
  /** The five characters Postgres gave for a reason (its documentation, appendix A), when it was Postgres that refused. */
  readonly sqlState: string | undefined;
  /** With `DATABASE_UNAVAILABLE`: the database answers, but lacks tables or columns; `gatehouse db migrate` makes them. */
  readonly notMigrated: boolean;

  constructor(
    readonly code: DatabaseErrorCode,
    message: string,
    options: AppErrorOptions & {
      readonly constraint?: string | undefined;
      readonly sqlState?: string | undefined;
      readonly notMigrated?: boolean;
    } = {},
  ) {
    super(message, options);
    this.constraint = options.constraint;
    this.sqlState = options.sqlState;
    this.notMigrated = options.notMigrated ?? false;
  }
}

export class InferenceError extends ServiceError {
  readonly code = "DAEMON_UNREACHABLE";
}
