import { type Argon2Parameters, PROFILES, WORKERS_BOUNDS } from "../../password/parameters.ts";

/** One point of the grid, timed. Milliseconds of one hash, the median. */
export interface Timing {
  readonly parameters: Argon2Parameters;
  readonly hereMs: number;
  /** Undefined: not timed, or beyond what an isolate may hold. */
  readonly workerdMs: number | undefined;
}

const MIB = 1024;

/** From below the standards' floors to above RFC 9106's second recommendation; the floors themselves and our profile are in it. */
export const GRID: readonly Argon2Parameters[] = [
  [8 * MIB, 1],
  [12 * MIB, 3],
  [19 * MIB, 2],
  [32 * MIB, 2],
  [46 * MIB, 1],
  [48 * MIB, 2],
  [48 * MIB, 3],
  [56 * MIB, 3],
  [64 * MIB, 3],
  [128 * MIB, 3],
].map(([memoryKiB = 0, passes = 0]) => ({ memoryKiB, passes, lanes: 1 }));

/** OWASP's password storage sheet and ASVS 5.0, appendix C: any of these is enough. */
const FLOORS: readonly Argon2Parameters[] = [
  { memoryKiB: 46 * MIB, passes: 1, lanes: 1 },
  { memoryKiB: 19 * MIB, passes: 2, lanes: 1 },
  { memoryKiB: 12 * MIB, passes: 3, lanes: 1 },
];

/** RFC 9106 section 4, second recommendation, but for its four lanes. */
const RFC_9106_SECOND: Argon2Parameters = { memoryKiB: 64 * MIB, passes: 3, lanes: 4 };

export type Standing = "below every floor" | "OWASP and ASVS floor" | "RFC 9106, second choice";

/** What the standards say to `parameters`. */
export function standingOf(parameters: Argon2Parameters): Standing {
  if (reaches(parameters, RFC_9106_SECOND)) return "RFC 9106, second choice";
  return FLOORS.some((floor) => reaches(parameters, floor)) ? "OWASP and ASVS floor" : "below every floor";
}

export function fitsWorkers({ memoryKiB }: Argon2Parameters): boolean {
  return memoryKiB <= WORKERS_BOUNDS.maxMemoryKiB;
}

export function isStandardProfile({ memoryKiB, passes }: Argon2Parameters): boolean {
  return memoryKiB === PROFILES.standard.memoryKiB && passes === PROFILES.standard.passes;
}

/**
 * What to do with these timings, in one sentence: keep the standard profile where it takes at most `targetMs`, else the most work
 * at or above the floors that does.
 */
export function recommend(timings: readonly Timing[], targetMs: number): string {
  const standard = timings.find(({ parameters }) => isStandardProfile(parameters));
  if (standard !== undefined && slowest(standard) <= targetMs) {
    return `Keep the standard profile: it takes ${Math.round(slowest(standard))} ms here, and ${targetMs} ms are allowed.`;
  }
  const affordable = timings
    .filter((timing) => slowest(timing) <= targetMs && standingOf(timing.parameters) !== "below every floor")
    .sort((left, right) => workOf(right) - workOf(left));
  const [best] = affordable;
  return best === undefined
    ? `Nothing at or above the floors takes at most ${targetMs} ms here: allow more time, or hash on a faster machine.`
    : `The standard profile takes more than ${targetMs} ms here; the most work that does not is m=${best.parameters.memoryKiB}, t=${best.parameters.passes}, p=1.`;
}

function reaches(parameters: Argon2Parameters, floor: Argon2Parameters): boolean {
  return parameters.memoryKiB >= floor.memoryKiB && parameters.passes >= floor.passes;
}

function slowest({ hereMs, workerdMs = 0 }: Timing): number {
  return Math.max(hereMs, workerdMs);
}

function workOf({ parameters }: Timing): number {
  return parameters.memoryKiB * parameters.passes;
}
