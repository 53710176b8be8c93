import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { markedProcesses } from "../fixtures/marked-processes.ts";
import type { WatchedDaemon } from "./watched-daemon.ts";

/** What a daemon holds of everything that can leak. */
export interface Footprint {
  /** By what it is: descriptors, timers, processes, files, live objects, gauges. Equal before and after, or something leaked. */
  readonly counts: Readonly<Record<string, number>>;
  /** Live bytes after a full collection, of the heap and of buffers outside it. */
  readonly bytes: number;
}

/**
 * Bytes that may be live after a cell that were not before: what V8 compiles and caches when code runs for the first time (a crash's path,
 * an error's answer; 100-250 KB measured), so not nothing. Whatever holds a request or a process is counted to the last one in `counts`;
 * this bound is for what hangs on none of them, such as the 1 MB bodies that half of the cells' requests carry.
 */
const MAX_GROWTH_BYTES = 786_432;

/** Milliseconds for a connection that ends with its answer to be gone. */
const CLOSING_MS = 50;

export async function takeFootprint(daemon: WatchedDaemon): Promise<Footprint> {
  const { bufferedBytes, models } = await daemon.state();
  const timers = await daemon.timers();
  // The connections that these were asked on must be gone before what is left is counted.
  await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
  const { resources, emitters, heapBytes, bufferBytes } = await daemon.holdings();
  const own = markedProcesses(daemon.folder);
  const counts: Record<string, number> = {
    "live emitters": emitters,
    "timers of the clock": timers,
    "bytes of bodies held": bufferedBytes,
    "requests unsettled": models.reduce((sum, { unsettled }) => sum + unsettled, 0),
    "requests waiting": models.reduce((sum, { waiting }) => sum + waiting, 0),
    "socket files": socketFiles(join(daemon.folder, "sockets")),
    "processes of workers": own.length,
    "groups of workers": new Set(own.map((pid) => statOf(pid)?.group)).size,
  };
  tally(counts, childrenOf(daemon.pid));
  tally(
    counts,
    // The clock's one timer is an immediate for the moment in which it fires.
    resources.map((name) => `active ${name === "Immediate" ? "Timeout" : name}`),
  );
  tally(counts, descriptorsOf(daemon.pid));
  return { counts, bytes: heapBytes + bufferBytes };
}

/** What of `before` is not so any more, in words. */
export function leaks(before: Footprint, after: Footprint, maxGrowthBytes = MAX_GROWTH_BYTES): readonly string[] {
  const names = new Set([...Object.keys(before.counts), ...Object.keys(after.counts)]);
  const found = [...names].flatMap((name) => {
    const [was, is] = [before.counts[name] ?? 0, after.counts[name] ?? 0];
    return was === is ? [] : [`${name}: ${was} before, ${is} after`];
  });
  const growth = after.bytes - before.bytes;
  if (growth > maxGrowthBytes) found.push(`${growth} more bytes are live`);
  return found;
}

function tally(counts: Record<string, number>, names: readonly string[]): void {
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
}

/** A name for each open descriptor: of sockets and pipes what they are, of files which. */
function descriptorsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [`descriptor of ${readlinkSync(`/proc/${pid}/fd/${descriptor}`).replace(/:\[\d+\]$/, "")}`];
    } catch {
      return [];
    }
  });
}

/** The processes of workers: each leads the group of what it starts. */
export function workersOf(daemon: Pick<WatchedDaemon, "folder">): readonly number[] {
  return markedProcesses(daemon.folder).filter((pid) => statOf(pid)?.group === pid);
}

/** A name for each child, those among them that have ended and were not reaped. */
function childrenOf(parent: number): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat?.parent === parent)
    .map((stat) => (stat?.state === "Z" ? "children not reaped" : "children"));
}

function socketFiles(folder: string): number {
  return readdirSync(folder, { recursive: true }).filter((name) => name.toString().endsWith(".sock")).length;
}

/** proc_pid_stat(5): the fields after the command, from the third on. */
function statOf(pid: number): { state: string; parent: number; group: number; startedAtMs: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group] = fields;
    const uptimeMs = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1_000;
    // In ticks of a hundredth of a second since the machine started (USER_HZ is 100 on every Linux that Node runs on).
    const startedAtMs = Date.now() - uptimeMs + Number(fields[19]) * 10;
    return { state, parent: Number(parent), group: Number(group), startedAtMs };
  } catch {
    return undefined;
  }
}

/** When a process was started, in milliseconds since the epoch and to a hundredth of a second; undefined if it is gone. */
export function startOf(pid: number): number | undefined {
  return statOf(pid)?.startedAtMs;
}
