import { errors } from "jose";
import { AnswerError, StartError } from "../errors.ts";

/** Seconds after which a caller may try again whose token could not be checked. */
const RETRY_AFTER_SECONDS = 5;

/** Characters of a claim that reach the log. */
const MAX_CLAIM_CHARACTERS = 200;

/** Why a token was not taken that a setting of [auth] may be to blame for: for the log, and never the token itself. */
export interface TokenTrouble {
  readonly setting: "issuer" | "audience" | "jwks";
  /** No token can be checked, whoever sends it. */
  readonly concernsAll: boolean;
  readonly message: string;
  /** The claim as a token has it that one of our keys has signed. */
  readonly got?: string;
}

/** What its caller is told of a token that was not taken, and the log. */
export interface Explanation {
  readonly answer: AnswerError;
  readonly trouble?: TokenTrouble;
}

export function unauthenticated(message: string, cause?: unknown): AnswerError {
  return new AnswerError("UNAUTHENTICATED", message, { cause });
}

/** Explains what jose throws. */
export function explain(cause: unknown): Explanation {
  if (cause instanceof errors.JWTExpired) return { answer: unauthenticated("The token has expired.", cause) };
  const notOurs = unauthenticated("The token is not one of ours.", cause);
  if (cause instanceof errors.JWTClaimValidationFailed) return { answer: notOurs, ...claimTrouble(cause) };
  if (
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys
  ) {
    const message = "a token was refused: no key of jwks in [auth] has signed it";
    return { answer: notOurs, trouble: { setting: "jwks", concernsAll: false, message } };
  }
  if (
    cause instanceof errors.JWTInvalid ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JOSENotSupported
  ) {
    return { answer: notOurs };
  }
  return {
    answer: new AnswerError("KEYS_UNAVAILABLE", "The keys that tokens are checked with cannot be had at the moment.", {
      cause,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    }),
    trouble: {
      setting: "jwks",
      concernsAll: true,
      message: `tokens cannot be checked: jwks in [auth] gives no keys: ${whyNoKeys(cause)}`,
    },
  };
}

/** jose looks at claims once the signature is right: so what they say is the edge's word. */
function claimTrouble({ claim, payload }: errors.JWTClaimValidationFailed): { trouble?: TokenTrouble } {
  if (claim !== "iss" && claim !== "aud") return {};
  const setting = claim === "iss" ? "issuer" : "audience";
  const got = JSON.stringify(payload[claim] ?? null).slice(0, MAX_CLAIM_CHARACTERS);
  return {
    trouble: {
      setting,
      concernsAll: false,
      message: `a token was refused: it has another ${setting} than [auth]`,
      got,
    },
  };
}

/** Never in the words of fetch, which may quote the address and what is secret in it. */
function whyNoKeys(cause: unknown): string {
  if (cause instanceof errors.JWKSTimeout) return "it did not answer in time";
  if (cause instanceof errors.JWKSInvalid) return "it is no JSON Web Key Set";
  if (cause instanceof errors.JOSEError || cause instanceof StartError) return cause.message;
  const code = cause instanceof Error ? (cause.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  return code === undefined ? "it cannot be fetched" : `it cannot be reached (${code})`;
}
