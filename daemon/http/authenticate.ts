import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_TYPE,
  CLOCK_TOLERANCE_SECONDS,
  type Scope,
} from "../../src/contract/access-token.ts";
import { AnswerError, StartError } from "../errors.ts";
import { explain, type TokenTrouble, unauthenticated } from "./token-trouble.ts";

/** Verified tokens that are remembered; the oldest goes first. */
const MAX_CACHED_TOKENS = 10_000;

/** Requests whose tokens are verified at a time: while keys are fetched one connection alone could bring any number of them. */
const MAX_VERIFYING = 4_096;

/** Characters of an `authorization` header that are looked at; the edge's tokens have about 400. */
const MAX_HEADER_LENGTH = 4_096;

const SCHEME = "Bearer ";

/** Milliseconds between two looks at a key set because of a key it did not have. */
const KEY_COOLDOWN_MS = 5_000;

/** Milliseconds to fetch a key set in. */
const KEY_TIMEOUT_MS = 5_000;

export interface Caller {
  readonly sub: string;
  readonly scopes: ReadonlySet<string>;
}

/** Says who sent a request. Throws or rejects with AnswerError. */
export type Authenticate = (
  authorization: string | undefined,
  headers: IncomingHttpHeaders,
) => Caller | Promise<Caller>;

/** Says who sent an `authorization` header. Throws or rejects with AnswerError UNAUTHENTICATED, OVERLOADED, or KEYS_UNAVAILABLE. */
export type VerifyToken = (authorization: string | undefined) => Caller | Promise<Caller>;

export interface TokenSettings {
  /** Address or absolute path of the edge's JSON Web Key Set. */
  readonly jwks: string;
  readonly issuer: string;
  readonly audience: string;
  /** Hears of tokens that were not taken, each of them: for the log. */
  readonly onTrouble?: (trouble: TokenTrouble) => void;
}

/**
 * Verifies the edge's tokens (src/contract/access-token.ts): EdDSA only, `typ` at+jwt, this daemon's audience, the edge as issuer, not
 * expired. A verified token is remembered until it expires. Throws StartError CONFIG_INVALID when the key file cannot be read.
 */
export function createAuthenticate(settings: TokenSettings): VerifyToken {
  const keys = settings.jwks.startsWith("http") ? remoteKeys(settings.jwks) : fileKeys(settings.jwks);
  const verified = new Map<string, { readonly caller: Caller; readonly expiresAtMs: number }>();

  let verifying = 0;

  return (authorization) => {
    if (authorization === undefined) throw unauthenticated("This route wants a token: Authorization: Bearer.");
    const token = bearerOf(authorization);
    const known = verified.get(token);
    if (known !== undefined) {
      if (Date.now() < known.expiresAtMs) return known.caller;
      verified.delete(token);
      throw unauthenticated("The token has expired.");
    }
    if (!isCompactToken(token)) {
      throw unauthenticated("This is no access token; with a session's, POST /v1/auth/token at the edge gives one.");
    }
    if (verifying >= MAX_VERIFYING) {
      throw new AnswerError("OVERLOADED", "Too many tokens are being verified.", { retryAfterSeconds: 1 });
    }
    verifying++;
    const verification = verify(token, keys, settings).finally(() => {
      verifying--;
    });
    return verification.then(({ caller, exp }) => {
      if (verified.size >= MAX_CACHED_TOKENS) verified.delete(verified.keys().next().value ?? "");
      verified.set(token, { caller, expiresAtMs: (exp + CLOCK_TOLERANCE_SECONDS) * 1_000 });
      return caller;
    });
  };
}

/** Throws AnswerError FORBIDDEN unless the caller's token has the scope. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (!caller.scopes.has(scope)) throw new AnswerError("FORBIDDEN", `The token does not have the scope ${scope}.`);
}

/**
 * RFC 7515 section 7.1, the signature in the one way in which RFC 4648 section 3.5 has its bytes written: else a token could be spelled in
 * sixteen ways, each with a place of its own in the cache. Header and payload are signed as they are spelled.
 */
function isCompactToken(token: string): boolean {
  const signature = /^[\w-]+\.[\w-]+\.([\w-]+)$/.exec(token)?.[1];
  return signature !== undefined && Buffer.from(signature, "base64url").toString("base64url") === signature;
}

/** What follows the scheme, RFC 6750 section 2.1. Throws AnswerError UNAUTHENTICATED. */
function bearerOf(authorization: string): string {
  const isBearer = authorization.startsWith(SCHEME) || /^bearer /i.test(authorization);
  if (!isBearer || authorization.length > MAX_HEADER_LENGTH) {
    throw unauthenticated("The authorization header holds no bearer token.");
  }
  return authorization.slice(SCHEME.length);
}

async function verify(
  token: string,
  keys: JWTVerifyGetKey,
  settings: TokenSettings,
): Promise<{ caller: Caller; exp: number }> {
  let payload: JWTPayload;
  try {
    const verified = await jwtVerify(token, keys, {
      algorithms: [ACCESS_TOKEN_ALGORITHM],
      typ: ACCESS_TOKEN_TYPE,
      issuer: settings.issuer,
      audience: settings.audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ["sub", "scope", "exp"],
    });
    payload = verified.payload;
  } catch (cause) {
    const { answer, trouble } = explain(cause);
    if (trouble !== undefined) settings.onTrouble?.(trouble);
    throw answer;
  }
  const { sub, scope, exp } = payload;
  if (sub === undefined || sub === "" || typeof scope !== "string" || exp === undefined) {
    throw unauthenticated("The token lacks a claim.");
  }
  return { caller: { sub, scopes: new Set(scope.split(" ")) }, exp };
}

function remoteKeys(address: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(address), { cooldownDuration: KEY_COOLDOWN_MS, timeoutDuration: KEY_TIMEOUT_MS });
}

/** Keys from a file, read again when a token names one that it did not have: that is how keys are rotated. */
function fileKeys(path: string): JWTVerifyGetKey {
  let keys = readKeys(path);
  let readAt = Date.now();
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || Date.now() - readAt < KEY_COOLDOWN_MS) throw error;
      readAt = Date.now();
      keys = readKeys(path);
      return keys(header, token);
    }
  };
}

function readKeys(path: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new StartError(
      "CONFIG_INVALID",
      `The key set ${path} (jwks in [auth]) cannot be read as one: ${(cause as Error).message}`,
      { cause },
    );
  }
}
