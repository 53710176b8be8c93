import type { Agent } from "node:http";
import { call, type Settlement } from "../../chaos/caller.ts";
import type { Stalls } from "./stalls.ts";

/** Milliseconds of the models' own timeout; a stream's bounds its first chunk and each gap. */
export const TIMEOUT_MS = 2_000;

/** Milliseconds beyond its deadline in which a request must have been settled. */
const LATE_MS = 1_000;

/** Milliseconds after which nobody waits any more: whoever has no answer by then has none. */
const PATIENCE_MS = 20_000;

const MEGABYTE = "x".repeat(1_048_576);

interface Kind {
  readonly name: string;
  readonly model: "echo" | "demand" | "steady";
  readonly body: (turn: number) => unknown;
  readonly stream?: true;
  readonly deadlineMs?: number;
  readonly leavesAfterMs?: number;
}

const work = () => ({ do: "sleep", ms: 5, events: 20, gap_ms: 1 });

/** The mix, by turns. `steady`'s worker is never killed: what it and the daemon hold is what has to stay flat. */
const KINDS: readonly Kind[] = [
  { name: "small", model: "echo", body: (turn) => ({ turn }) },
  { name: "small, kept worker", model: "steady", body: (turn) => ({ turn }) },
  { name: "1 MB", model: "echo", body: () => MEGABYTE },
  { name: "1 MB, kept worker", model: "steady", body: () => MEGABYTE },
  { name: "5 ms", model: "demand", body: work },
  { name: "stream", model: "demand", body: work, stream: true },
  {
    name: "stream, kept worker",
    model: "steady",
    body: () => Array.from({ length: 20 }, (_, index) => index),
    stream: true,
  },
  { name: "deadline of 3 ms", model: "demand", body: work, deadlineMs: 3 },
  { name: "leaves after 2 ms", model: "demand", body: work, leavesAfterMs: 2 },
  { name: "leaves a stream after 10 ms", model: "demand", body: work, stream: true, leavesAfterMs: 10 },
];

export interface Ending {
  /** `left` for a caller that left before its answer, else the answer's code. */
  readonly outcome: string;
  /** Why this counts as lost; undefined when all is well. */
  readonly lost: string | undefined;
  /** It came late, but no later than this process itself was held up by what else the machine does. */
  readonly isExcused: boolean;
}

interface Turn {
  readonly url: string;
  readonly turn: number;
  readonly agent: Agent;
  readonly stalls: Stalls;
}

/** Sends the turn's request, and judges how it ended. */
export async function callInTurn({ url, turn, agent, stalls }: Turn): Promise<Ending> {
  const startedAt = performance.now();
  const kind = KINDS[turn % KINDS.length] as Kind;
  const { model, stream = false, deadlineMs, leavesAfterMs } = kind;
  const settlement = await call({
    url,
    model,
    body: kind.body(turn),
    stream,
    agent,
    patienceMs: leavesAfterMs ?? PATIENCE_MS,
    headers: deadlineMs === undefined ? {} : { "x-request-timeout-ms": String(deadlineMs) },
  });
  if (leavesAfterMs !== undefined && settlement.code === "BROKEN")
    return { outcome: "left", lost: undefined, isExcused: false };
  const stalledMs = stalls.since(startedAt);
  const lost = judge(settlement, kind, stalledMs);
  return { outcome: settlement.code, lost, isExcused: lost === undefined && judge(settlement, kind, 0) !== undefined };
}

/**
 * Lost is a request without an answer, with one that is not whole (a stream's events in order and then its end or an error), or with one
 * that came more than a second after the deadline: of a stream, after its last event.
 */
function judge(
  { status, code, waitedMs, flaw }: Settlement,
  { name, deadlineMs = TIMEOUT_MS }: Kind,
  stalledMs: number,
): string | undefined {
  if (code === "BROKEN") return `${name}: ${status}, ${flaw}, after ${waitedMs.toFixed(0)} ms`;
  if (waitedMs > deadlineMs + LATE_MS + stalledMs) return `${name}: ${status} ${code} after ${waitedMs.toFixed(0)} ms`;
  return undefined;
}
