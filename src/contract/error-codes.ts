/**
 * Every `code` a Gatehouse server can answer with, and the HTTP status it always carries (RFC 9110 section 15).
 * Edge and daemon share this table, so a code means the same thing whichever of them answers.
 */
export const STATUS_BY_CODE = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  INVALID_CREDENTIALS: 401,
  FORBIDDEN: 403,
  ORIGIN_REFUSED: 403,
  EMAIL_NOT_VERIFIED: 403,
  REGISTRATION_CLOSED: 403,
  NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  EMAIL_TAKEN: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  VALIDATION_FAILED: 422,
  PASSWORD_REFUSED: 422,
  TOO_MANY_ATTEMPTS: 429,
  OVERLOADED: 429,
  INTERNAL: 500,
  MODEL_ERROR: 500,
  RESULT_TOO_LARGE: 500,
  WORKER_CRASHED: 502,
  DAEMON_UNREACHABLE: 502,
  HASHER_BUSY: 503,
  DATABASE_UNAVAILABLE: 503,
  MODEL_NOT_READY: 503,
  DRAINING: 503,
  DEADLINE_EXCEEDED: 504,
} as const;

export type ErrorCode = keyof typeof STATUS_BY_CODE;

export const ERROR_CODES = Object.keys(STATUS_BY_CODE) as readonly ErrorCode[];
