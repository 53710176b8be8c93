import type { Derivation } from "../../password/derivation.ts";
import { type Argon2Parameters, SALT_BYTES, TAG_BYTES } from "../../password/parameters.ts";

/** Times hashes somewhere. */
export interface HashTimer {
  /** The median of `rounds` hashes, in milliseconds, after one that does not count. */
  medianMs(parameters: Argon2Parameters, rounds: number): Promise<number>;
  end(): Promise<void>;
}

export function derivationFor(parameters: Argon2Parameters): Derivation {
  return {
    password: new TextEncoder().encode("correct horse battery staple"),
    argon2: { ...parameters, salt: new Uint8Array(SALT_BYTES), tagBytes: TAG_BYTES },
  };
}

export function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
