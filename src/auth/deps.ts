import type { Database } from "../db/database.ts";
import type { HasherError } from "../errors.ts";
import type { Hasher } from "../password/hasher.ts";
import type { LegacyScheme } from "./stored-password.ts";

export type RandomBytes = (length: number) => Uint8Array;

/** What the rules need from outside. Time and randomness come in, so that tests decide them. */
export interface AuthDeps {
  readonly db: Database;
  readonly hasher: Hasher;
  readonly now: () => Date;
  readonly randomBytes: RandomBytes;
  /** Keeps work alive after the answer is sent (`waitUntil` on Workers). Its failures are logged, never thrown. */
  readonly background: (task: string, work: () => Promise<void>) => void;
  /** Tells whoever runs the site of an account whose stored hash cannot be read. Each report costs its caller a whole hash. */
  readonly unreadableHash: (account: UnreadableHash) => void;
  readonly policy: AuthPolicy;
}

export interface UnreadableHash {
  readonly userId: string;
  /** Whoever runs the site has marked it so: `gatehouse hashes wrap --disable-unwrappable`. */
  readonly setAside: boolean;
  readonly cause: HasherError;
}

export interface AuthPolicy {
  readonly registration: "open" | "closed";
  /** Code points; see password-policy.ts. */
  readonly passwordMinLength: number;
  readonly legacy: LegacyScheme;
}
