import { HasherError } from "../errors.ts";
import { type Argon2Input, type Argon2Parts, argon2 } from "./argon2.ts";
import { createBlake2b } from "./blake2b.ts";
import type { FillKernel } from "./fill-kernel.ts";
import type { Argon2Parameters } from "./parameters.ts";
import { type SaltedDigest, saltedDigest } from "./salted-digest.ts";

/** One piece of work for the engine, plain enough to be sent to a thread. Each step, where present, takes what the last one gave. */
export interface Derivation {
  readonly password: Uint8Array;
  readonly digest?: SaltedDigest | undefined;
  readonly argon2?: Argon2Input | undefined;
  /** Work whose result nobody wants, so that cheap strings answer no faster than current ones. */
  readonly padding?: Argon2Parameters | undefined;
}

export interface DeriverOptions {
  readonly createKernel: () => FillKernel;
  readonly blake2bModule: WebAssembly.Module;
}

/** Does one derivation, synchronously. Throws `HasherError` `HASHER_FAILED`. */
export type Deriver = (derivation: Derivation) => Uint8Array;

const PADDING_SALT = new Uint8Array(16);

/**
 * The engine of one thread or isolate. It makes its WebAssembly instances at the first call, keeps them, grown to the largest
 * cost so far, and drops them when a call throws: whatever state they are in, the next call begins with fresh ones.
 */
export function createDeriver({ createKernel, blake2bModule }: DeriverOptions): Deriver {
  let parts: Argon2Parts | undefined;
  return (derivation) => {
    try {
      parts ??= { kernel: createKernel(), blake2b: createBlake2b(blake2bModule) };
      return derive(parts, derivation);
    } catch (cause) {
      parts = undefined;
      throw new HasherError("HASHER_FAILED", "The password engine failed.", { cause });
    } finally {
      derivation.password.fill(0);
    }
  };
}

function derive(parts: Argon2Parts, { password, digest, argon2: input, padding }: Derivation): Uint8Array {
  const digested = digest === undefined ? password : saltedDigest(password, digest);
  const derived = input === undefined ? digested : argon2(parts, digested, input);
  if (padding !== undefined) {
    argon2(parts, digested, { ...padding, salt: PADDING_SALT, tagBytes: 32 });
  }
  return derived;
}
