/** `typ` of the edge's tokens, RFC 9068 section 2.1: no other kind of JWT passes for one. */
export const ACCESS_TOKEN_TYPE = "at+jwt";

/** The only signature algorithm either side knows (RFC 8037); `none` and the symmetric ones never reach a key. */
export const ACCESS_TOKEN_ALGORITHM = "EdDSA";

/** Seconds a token lives, and so the longest time a revoked session can still reach the daemon. */
export const ACCESS_TOKEN_TTL_SECONDS = 300;

/** Seconds that the clocks of edge and daemon may differ. */
export const CLOCK_TOLERANCE_SECONDS = 30;

/** What a token lets its bearer do: `infer` calls models, `admin` also reads metrics and reloads models. */
export const SCOPES = ["infer", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** The claims the edge signs and the daemon verifies. Times are seconds since the epoch (RFC 7519 section 2). */
export interface AccessTokenClaims {
  /** The edge's origin, exactly `APP_ORIGIN`. */
  readonly iss: string;
  /** The daemon the token is for, `DAEMON_AUDIENCE`. */
  readonly aud: string;
  /** The user's id. The daemon shares its queue fairly between these. */
  readonly sub: string;
  /** The session the token was issued to; absent from tokens the CLI signs. */
  readonly sid?: string;
  /** Space-separated scopes (RFC 8693 section 4.2). */
  readonly scope: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}
