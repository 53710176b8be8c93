import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ACCESS_TOKEN_ALGORITHM, ACCESS_TOKEN_TYPE } from "../../../src/contract/access-token.ts";

export const ISSUER = "http://127.0.0.1:8787";
export const AUDIENCE = "gatehouse-daemon";

export interface TokenIssuer {
  /** The file with the public key, for `jwks` in [auth]. */
  readonly jwksPath: string;
  sign(claims?: { readonly sub?: string; readonly scope?: string; readonly seconds?: number }): Promise<string>;
}

/** An edge's signing key, its public half in a file under `folder`. */
export async function createTokenIssuer(folder: string): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(ACCESS_TOKEN_ALGORITHM, {
    crv: "Ed25519",
    extractable: true,
  });
  const jwksPath = join(folder, "jwks.json");
  const key = { ...(await exportJWK(publicKey)), kid: "test", alg: ACCESS_TOKEN_ALGORITHM, use: "sig" };
  writeFileSync(jwksPath, JSON.stringify({ keys: [key] }));
  return {
    jwksPath,
    sign: ({ sub = "someone", scope = "infer admin", seconds = 3_600 } = {}) =>
      new SignJWT({ scope })
        .setProtectedHeader({ alg: ACCESS_TOKEN_ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid: "test" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
        .sign(privateKey),
  };
}
