import { SignJWT } from "jose";
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_TTL_SECONDS,
  ACCESS_TOKEN_TYPE,
  type Scope,
} from "../contract/access-token.ts";
import type { SigningKeys } from "./signing-keys.ts";

export interface AccessToken {
  readonly token: string;
  /** Seconds from now. */
  readonly expiresIn: number;
}

export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string | null;
  readonly scopes: readonly Scope[];
}

export interface AccessTokenIssuer {
  issue(subject: TokenSubject): Promise<AccessToken>;
  /** The public key set, RFC 7517 section 5. */
  readonly jwks: SigningKeys["published"];
}

/** Signs the short-lived tokens the daemon accepts: a JWT access token (RFC 9068) with EdDSA (RFC 8037). */
export function createAccessTokenIssuer(options: {
  readonly keys: SigningKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly now: () => Date;
  readonly ttlSeconds?: number;
}): AccessTokenIssuer {
  const { current, published } = options.keys;
  const ttl = options.ttlSeconds ?? ACCESS_TOKEN_TTL_SECONDS;
  return {
    jwks: published,
    async issue({ userId, sessionId, scopes }) {
      const issuedAt = Math.floor(options.now().getTime() / 1000);
      const token = await new SignJWT({ scope: scopes.join(" "), ...(sessionId === null ? {} : { sid: sessionId }) })
        .setProtectedHeader({ alg: ACCESS_TOKEN_ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid: current.kid })
        .setIssuer(options.issuer)
        .setAudience(options.audience)
        .setSubject(userId)
        .setJti(crypto.randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttl)
        .sign(current.key);
      return { token, expiresIn: ttl };
    },
  };
}
