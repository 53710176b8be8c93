/** Carries one request's id through edge, daemon and worker into all three logs. */
export const REQUEST_ID_HEADER = "x-request-id";

/** The caller's own deadline in milliseconds, counted from its headers to the answer. */
export const REQUEST_TIMEOUT_HEADER = "x-request-timeout-ms";

/** Request ids from outside are kept when they look like one: 1 to 128 characters that are safe in a log line. */
export const REQUEST_ID_PATTERN = /^[A-Za-z0-9._-]{1,128}$/;
