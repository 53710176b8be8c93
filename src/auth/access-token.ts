import { SignJWT } from "jose";
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_TTL_SECONDS,
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
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
      const claims: AccessTokenClaims = {
        iss: options.issuer,
        aud: options.audience,
        sub: userId,
        ...(sessionId === null ? {} : { sid: sessionId }),
        scope: scopes.join(" "),
        jti: crypto.randomUUID(),
        iat: issuedAt,
        exp: issuedAt + ttl,
      };
      const token = await new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ACCESS_TOKEN_ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid: current.kid })
        .sign(current.key);
      return { token, expiresIn: ttl };
    },
  };
}
