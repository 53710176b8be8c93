import { HasherError } from "../errors.ts";

/** Argon2's cost: `memoryKiB` blocks of 1 KiB, filled `passes` times, in `lanes` lanes (RFC 9106 section 3.1: m, t, p). */
export interface Argon2Parameters {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

/** What a stored string may ask of us; checked before anything is allocated. */
export interface Argon2Bounds {
  readonly minMemoryKiB: number;
  readonly maxMemoryKiB: number;
  readonly maxPasses: number;
  readonly maxLanes: number;
}

export type PasswordProfile = "standard" | "development";

/**
 * `standard` is four times the floor OWASP and ASVS 5.0 (appendix C) name for t=3, and below RFC 9106's second
 * recommendation of 64 MiB, so that it fits a Workers isolate. `development` is for tests: it protects nothing.
 */
export const PROFILES: Readonly<Record<PasswordProfile, Argon2Parameters>> = {
  standard: { memoryKiB: 48 * 1024, passes: 3, lanes: 1 },
  development: { memoryKiB: 8 * 1024, passes: 1, lanes: 1 },
};

export const BOUNDS: Argon2Bounds = { minMemoryKiB: 8 * 1024, maxMemoryKiB: 128 * 1024, maxPasses: 10, maxLanes: 4 };

/** An isolate has 128 MB for everything. */
export const WORKERS_BOUNDS: Argon2Bounds = { ...BOUNDS, maxMemoryKiB: 56 * 1024 };

export const SALT_BYTES = 16;
export const TAG_BYTES = 32;

/** Throws `HasherError` `HASH_UNREADABLE` when `parameters` ask for less or more than `bounds` allow. */
export function assertWithinBounds(parameters: Argon2Parameters, bounds: Argon2Bounds): void {
  const { memoryKiB, passes, lanes } = parameters;
  const within =
    memoryKiB >= bounds.minMemoryKiB &&
    memoryKiB <= bounds.maxMemoryKiB &&
    passes >= 1 &&
    passes <= bounds.maxPasses &&
    lanes >= 1 &&
    lanes <= bounds.maxLanes;
  if (!within) {
    throw new HasherError("HASH_UNREADABLE", "A stored password hash asks for parameters beyond the bounds.");
  }
}
