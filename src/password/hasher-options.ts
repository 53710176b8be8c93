import type { PasswordProfile } from "./parameters.ts";
import { NO_PEPPERS, type Peppers } from "./peppers.ts";

/** What every runtime's hasher is made with; each has a default. */
export interface HasherOptions {
  /** PASSWORD_PROFILE. */
  readonly profile?: PasswordProfile | undefined;
  /** PASSWORD_PEPPERS, read by `readPeppers`. */
  readonly peppers?: Peppers | undefined;
  /** HASH_QUEUE: how many callers may wait. */
  readonly maxWaiting?: number | undefined;
  readonly maxWaitMs?: number | undefined;
}

export const HASHER_DEFAULTS = {
  profile: "standard",
  peppers: NO_PEPPERS,
  maxWaiting: 32,
  maxWaitMs: 2000,
} as const satisfies HasherOptions;
