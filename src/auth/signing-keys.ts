import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import * as z from "zod";
import { ACCESS_TOKEN_ALGORITHM } from "../contract/access-token.ts";

/** A private JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037). The first signs, the public half of each is published. */
const privateKeySet = z.object({
  keys: z
    .array(
      z.object({
        kty: z.literal("OKP"),
        crv: z.literal("Ed25519"),
        kid: z.string().min(1).max(64),
        x: z.string().length(43),
        d: z.string().length(43),
      }),
    )
    .min(1)
    .max(16),
});

export interface SigningKeys {
  /** Signs new tokens. */
  readonly current: { readonly kid: string; readonly key: CryptoKey };
  /** What `/.well-known/jwks.json` answers. */
  readonly published: { readonly keys: readonly JWK[] };
}

/** Reads a private key set. Throws an Error that says what is wrong, and names no key material. */
export async function parseSigningKeys(json: string): Promise<SigningKeys> {
  const { keys } = readKeySet(json);
  const [first] = keys;
  if (first === undefined) throw new Error("the key set holds no key.");
  // Every key is imported, not only the first, so that a damaged one is found at start and not at the next rotation.
  const [imported] = await Promise.all(keys.map((key) => importPrivate(key)));
  if (imported === undefined) throw new Error("the key set holds no key.");
  return {
    current: { kid: first.kid, key: imported },
    published: {
      keys: keys.map(({ kty, crv, kid, x }) => ({ kty, crv, kid, x, use: "sig", alg: ACCESS_TOKEN_ALGORITHM })),
    },
  };
}

/** A fresh key set with one key, as text for `SIGNING_KEYS` or a file of mode 0600. */
export async function generateSigningKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair(ACCESS_TOKEN_ALGORITHM, { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return `${JSON.stringify({ keys: [{ kty, crv, kid: crypto.randomUUID(), x, d }] }, null, 2)}\n`;
}

function readKeySet(json: string): z.infer<typeof privateKeySet> {
  try {
    return privateKeySet.parse(JSON.parse(json));
  } catch {
    // The cause is dropped on purpose: a parser's message may quote the key.
    throw new Error("not a JSON Web Key Set with 1 to 16 private Ed25519 keys (kty, crv, kid, x, d).");
  }
}

async function importPrivate(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, ACCESS_TOKEN_ALGORITHM);
  if (key instanceof Uint8Array) throw new Error("the key set holds a symmetric key.");
  return key;
}
