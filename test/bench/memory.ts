import { writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { startWatchedDaemon, type WatchedDaemon } from "../chaos/watched-daemon.ts";
import { fixture } from "../fixtures/daemon-in-process.ts";
import { residentBytes } from "./soak/resident.ts";

const MEGABYTE = 1_000_000;
const MAX_BUFFERED_BYTES = 268_435_456;

/** Times each load is held and let go: the first time the heap and the allocator find their size. */
const ROUNDS = 3;

/** What the daemon may grow by beyond the bytes in flight: read buffers, the free lists of its allocator, garbage that waits to be collected. */
const ALLOWANCE = { times: 1.5, bytes: 32 * MEGABYTE };

interface Load {
  readonly name: string;
  readonly count: number;
  readonly model: "busy" | "wide" | "large";
  /** Bytes of one body. */
  readonly bodyBytes: number;
  /** Bytes of one write of it. */
  readonly pieceBytes?: number;
  /** The part of it that is sent: less than 1 is an upload that stalls. */
  readonly part?: number;
  readonly stream?: true;
}

const LOADS: readonly Load[] = [
  { name: "16 MB x 4, waiting for a worker", model: "busy", count: 4, bodyBytes: 16 * MEGABYTE },
  { name: "1 MB x 64, waiting for a worker", model: "busy", count: 64, bodyBytes: MEGABYTE },
  { name: "1 MB x 64, in pieces of 1 KB", model: "busy", count: 64, bodyBytes: MEGABYTE, pieceBytes: 1_000 },
  { name: "1 MB x 64, uploads that stall", model: "busy", count: 64, bodyBytes: MEGABYTE, part: 0.9 },
  { name: "9 MB x 12, answers nobody reads", model: "large", count: 12, bodyBytes: 1 },
  { name: "64 streams nobody reads", model: "wide", count: 64, bodyBytes: 1, stream: true },
];

/** What the daemon's resident memory grows by while so much is in flight, and whether that is about what is in flight. Exit code 1 if not. */
export async function run(): Promise<void> {
  process.stdout.write(`${row(["", "in flight", "grows by", "again", "live", "times", "after"])}\n`);
  for (const load of LOADS) {
    await using daemon = await startWatchedDaemon(models());
    await daemon.logged(({ message, model }) => message === "model is ready" && model === "busy");
    await daemon.logged(({ message, model }) => message === "model is ready" && model === "wide");
    await daemon.logged(({ message, model }) => message === "model is ready" && model === "large");
    const base = await atRest(daemon);
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await hold(daemon, load, round));
    const most = rounds.reduce((one, other) => (other.grownBytes > one.grownBytes ? other : one));
    const grown = most.grownBytes - base;
    const again = (rounds.at(-1)?.grownBytes ?? 0) - base;
    const after = (await atRest(daemon)) - base;
    const isMuch = grown > most.heldBytes * ALLOWANCE.times + ALLOWANCE.bytes || most.heldBytes > MAX_BUFFERED_BYTES;
    const times = (grown / most.heldBytes).toFixed(2);
    process.stdout.write(
      `${row([load.name, mb(most.heldBytes), mb(grown), mb(again), mb(most.liveBytes), times, mb(after)])}${isMuch ? "  TOO MUCH" : ""}\n`,
    );
    if (isMuch) process.exitCode = 1;
  }
  process.stdout.write(
    "MB of 1,000,000 bytes. In flight: counted in max_buffered_bytes. Grows by: at most, in three times; again: the third time. Live: in buffers " +
      `after a full collection. After: what the allocator keeps for the next time. Bound: ${ALLOWANCE.times} x in flight + ${mb(ALLOWANCE.bytes)}\n`,
  );
}

function models(): string {
  const common = "max_queue = 1000\ntimeout_ms = 60000\nstall_ms = 60000\n";
  return (
    `[models.busy]\nclass = "${fixture("misbehaving.py", "OnDemand")}"\n${common}` +
    `[models.wide]\nclass = "${fixture("streaming.py", "Wide")}"\nconcurrency = 64\n${common}` +
    `[models.large]\nclass = "${fixture("streaming.py", "Large")}"\n${common}`
  );
}

/** Brings so much into flight, looks, and lets it go. */
async function hold(daemon: WatchedDaemon, load: Load, round: number) {
  const leave = join(daemon.folder, `leave-${round}`);
  const callers: Socket[] = [];
  // Whoever waits for a worker waits behind this one.
  if (load.model === "busy")
    callers.push(await ask(daemon, "busy", JSON.stringify({ do: "wait", until: leave }), load));
  const body = load.bodyBytes === 1 ? "1" : JSON.stringify("x".repeat(load.bodyBytes - 2));
  for (let i = 0; i < load.count; i++) callers.push(await ask(daemon, load.model, body, load));
  const heldBytes = await steady(daemon);
  const grownBytes = residentBytes(daemon.pid);
  const { bufferBytes } = await daemon.holdings();
  for (const caller of callers) caller.destroy();
  writeFileSync(leave, "");
  while (
    (await daemon.state()).models.some(({ unsettled, workers }) => unsettled > 0 || workers.some((w) => w.inFlight > 0))
  )
    await pause(20);
  return { heldBytes, grownBytes, liveBytes: bufferBytes };
}

/** Sends a request, or the beginning of it, and reads nothing. */
async function ask(daemon: WatchedDaemon, model: string, body: string, load: Load): Promise<Socket> {
  const { port } = new URL(daemon.url);
  const socket = createConnection({ port: Number(port), host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  socket.pause();
  const accept = load.stream === true ? "accept: text/event-stream\r\n" : "";
  socket.write(
    `POST /v1/infer/${model} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${accept}content-length: ${body.length}\r\n\r\n`,
  );
  const sent = body.slice(0, Math.ceil(body.length * (load.part ?? 1)));
  const pieceBytes = load.pieceBytes ?? sent.length;
  for (let at = 0; at < sent.length; at += pieceBytes) {
    const piece = sent.slice(at, at + pieceBytes);
    await new Promise((resolve) => socket.write(piece, resolve));
  }
  return socket;
}

/** The bytes that are held once that is the same a few times in a row. */
async function steady(daemon: WatchedDaemon): Promise<number> {
  let held = -1;
  for (let same = 0; same < 10; ) {
    await pause(50);
    const { bufferedBytes } = await daemon.state();
    same = bufferedBytes === held ? same + 1 : 0;
    held = bufferedBytes;
  }
  return held;
}

async function atRest(daemon: WatchedDaemon): Promise<number> {
  await daemon.holdings();
  await pause(500);
  return residentBytes(daemon.pid);
}

function mb(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(0)} MB`;
}

function row([name = "", ...cells]: readonly string[]): string {
  return `${name.padEnd(36)}${cells.map((cell) => cell.padStart(11)).join("")}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
