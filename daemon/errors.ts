/**
 * The daemon's errors.
 *
 *   DaemonError
 *   ├── StartError        the daemon cannot start: one sentence that says what to do
 *   ├── WireViolation     a worker broke the protocol: its connection ends
 *   ├── WorkerError       why a worker is gone or never came
 *   └── AnswerError       what a caller gets instead of a result
 *
 * A message never holds a token, a body or a header's value: messages end in logs and in answers.
 */
export abstract class DaemonError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export type StartErrorCode = "CONFIG_INVALID" | "ADDRESS_UNUSABLE" | "PYTHON_MISSING" | "SOCKET_DIR_UNUSABLE";

export class StartError extends DaemonError {
  constructor(
    readonly code: StartErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** PROTOCOL.md section 2 says when each is seen. */
export type ViolationCode =
  | "BAD_LENGTH"
  | "BAD_UTF8"
  | "BAD_JSON"
  | "TOO_DEEP"
  | "DUPLICATE_KEY"
  | "BAD_SEGMENTS"
  | "UNKNOWN_TYPE"
  | "BAD_FIELD"
  | "BAD_STATE"
  | "TRUNCATED";

export class WireViolation extends DaemonError {
  constructor(
    readonly code: ViolationCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type WorkerErrorCode =
  | "LOAD_FAILED"
  | "LOAD_TIMEOUT"
  | "PROTOCOL_VERSION"
  | "NONCE_MISMATCH"
  | "VIOLATION"
  | "EXITED"
  | "SPAWN_FAILED"
  | "SPAWN_BUSY"
  | "UNRESPONSIVE"
  | "CALL_TIMEOUT"
  | "UNHEALTHY"
  | "CRASHED_TOO_OFTEN"
  | "STOPPED";

export class WorkerError extends DaemonError {
  constructor(
    readonly code: WorkerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** `CANCELLED` reaches no caller: its caller has left. The others are codes of src/contract/error-codes.ts. */
export type AnswerCode =
  | "BAD_REQUEST"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "ORIGIN_REFUSED"
  | "NOT_FOUND"
  | "MODEL_NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "OVERLOADED"
  | "INTERNAL"
  | "MODEL_ERROR"
  | "RESULT_TOO_LARGE"
  | "WORKER_CRASHED"
  | "MODEL_NOT_READY"
  | "DRAINING"
  | "KEYS_UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED";

export interface AnswerErrorOptions extends ErrorOptions {
  /** Whole seconds after which trying again is worth it; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** With `METHOD_NOT_ALLOWED`: what the route does answer. */
  readonly allow?: readonly string[];
}

export class AnswerError extends DaemonError {
  readonly retryAfterSeconds: number | undefined;
  readonly allow: readonly string[] | undefined;

  constructor(
    readonly code: AnswerCode,
    message: string,
    options: AnswerErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.allow = options.allow;
  }
}
