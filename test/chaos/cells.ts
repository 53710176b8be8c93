export const FAULTS = [
  "SIGKILL",
  "SIGSTOP",
  "exit 0",
  "exit 137",
  "hang in Python",
  "hang in C",
  "closed socket",
  "closed stdin",
  "half a frame",
  "garbage",
  "flood",
  "memory hog",
] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * What the worker is doing when the fault strikes. Every moment carries requests: the idle worker and the loading one get theirs right after
 * the fault, and a loading one also has one that waits since before. In `reloading` the fault meets the worker that is to be replaced, in
 * `replacing` the one that loads to replace it.
 */
export const MOMENTS = [
  "idle",
  "loading",
  "queued",
  "running",
  "batch",
  "stream",
  "draining",
  "reloading",
  "replacing",
] as const;
export type Moment = (typeof MOMENTS)[number];

/** How the requests want their answers; the moment `stream` has an open stream besides. */
export const KINDS = ["unary", "stream"] as const;
export type Kind = (typeof KINDS)[number];

export interface Cell {
  readonly fault: Fault;
  readonly moment: Moment;
  readonly kind: Kind;
}

export const ALL_CELLS: readonly Cell[] = KINDS.flatMap((kind) =>
  MOMENTS.flatMap((moment) => FAULTS.map((fault) => ({ fault, moment, kind }))),
);

/** What the watching thread of the model (test/fixtures/models/chaos.py) is told; undefined: a signal from outside. */
export const ORDERS: Readonly<Record<Fault, object | undefined>> = {
  SIGKILL: undefined,
  SIGSTOP: undefined,
  "exit 0": { do: "exit", code: 0 },
  "exit 137": { do: "exit", code: 137 },
  "hang in Python": { do: "spin" },
  "hang in C": { do: "hang_in_c", seconds: 60 },
  "closed socket": { do: "close_socket" },
  "closed stdin": { do: "close_stdin" },
  "half a frame": { do: "half_a_frame" },
  garbage: { do: "garbage" },
  flood: { do: "flood" },
  "memory hog": { do: "memory", limit_mib: 512 },
};

/** Faults that a worker survives when they meet no request: only a request that commits them itself is hurt. */
export const HARMLESS: readonly Fault[] = ["hang in Python", "memory hog"];

/** Faults that end the process at once: whoever it owed an answer hears of it now and not at its deadline. */
export const SUDDEN: readonly Fault[] = ["SIGKILL", "exit 0", "exit 137", "closed stdin", "half a frame"];
