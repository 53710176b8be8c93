import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PortRequest } from "../../../daemon/bridge/worker-port.ts";
import { systemClock } from "../../../daemon/clock.ts";
import type { WorkerError } from "../../../daemon/errors.ts";
import { connect } from "../../../daemon/transport/connect.ts";
import { type ConnectionOptions, UdsConnection } from "../../../daemon/transport/uds-connection.ts";
import { encodeFrame } from "../../../daemon/wire/frame.ts";
import { FrameReader } from "../../../daemon/wire/frame-reader.ts";
import type { JsonObject } from "../../../daemon/wire/strict-json.ts";
import { FakeClock } from "../fake-clock.ts";

const NONCE = "0123456789abcdef".repeat(2) + "fedcba9876543210".repeat(2);

let folder: string;
let server: Server;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** A promise that the test settles; Node 20 has no Promise.withResolvers. */
function settleable<Value>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A worker's end of the socket, played by the test. */
class FakeWorker {
  readonly received: JsonObject[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(readonly socket: Socket) {
    const reader = new FrameReader(
      () => 1_000_000_000,
      (message) => {
        this.received.push(message);
        for (const look of this.waiting) look();
      },
    );
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    socket.on("error", () => undefined);
  }

  send(message: object, body: readonly Buffer[] = []): void {
    for (const buffer of encodeFrame(JSON.stringify(message), body)) this.socket.write(buffer);
  }

  greet(change: object = {}): void {
    this.send({ type: "hello", protocol: 1, nonce: NONCE.slice(32), pid: 1, sdk: "0", ...change });
  }

  getReady(concurrency = 4): void {
    this.greet();
    this.send({ type: "ready", name: "m", methods: [], inputs: [], outputs: [], maxBatch: 1, concurrency });
  }

  got(type: string, count = 1): Promise<readonly JsonObject[]> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.received.filter((message) => message.type === type);
        if (found.length < count) return;
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }
}

interface Pair {
  readonly connection: UdsConnection;
  readonly worker: FakeWorker;
  readonly events: string[];
  readonly ready: Promise<void>;
  readonly closed: Promise<WorkerError | undefined>;
}

async function pair(change: Partial<ConnectionOptions> = {}): Promise<Pair> {
  const path = join(folder, "s");
  server = createServer();
  const accepted = once(server, "connection") as Promise<[Socket]>;
  server.listen(path);
  const socket = await connect({ path, timeoutMs: 5_000, clock: systemClock, signal: new AbortController().signal });
  const events: string[] = [];
  const ready = settleable<void>();
  const closed = settleable<WorkerError | undefined>();
  const connection = new UdsConnection(socket, {
    id: "w",
    nonce: NONCE,
    maxFrameBytes: 1_000_000,
    clock: systemClock,
    callBeginsMs: Number.POSITIVE_INFINITY,
    listener: {
      onHello: () => events.push("hello"),
      onReady: () => {
        events.push("ready");
        ready.resolve();
      },
      onHealth: ({ status }) => events.push(status),
      onClosed: (reason) => {
        events.push("closed");
        closed.resolve(reason);
      },
    },
    ...change,
  });
  const [other] = await accepted;
  return { connection, worker: new FakeWorker(other), events, ready: ready.promise, closed: closed.promise };
}

/** A request that remembers everything that is said to it. */
function request(
  change: Partial<PortRequest> = {},
): PortRequest & { readonly seen: string[]; readonly over: Promise<void> } {
  const seen: string[] = [];
  const over = settleable<void>();
  const end = (what: string) => () => {
    seen.push(what);
    over.resolve();
  };
  return {
    seen,
    over: over.promise,
    route: "json",
    stream: false,
    credit: 0,
    headersJson: "{}",
    body: [Buffer.from("1")],
    bodyBytes: 1,
    deadlineAt: systemClock.now() + 5_000,
    portEntry: undefined,
    onStarted: () => seen.push("started"),
    onBodyReleased: () => seen.push("released"),
    onStart: () => seen.push("start"),
    onChunk: () => seen.push("chunk"),
    onResult: end("result"),
    onError: end("error"),
    onEnd: end("end"),
    onCrashed: end("crashed"),
    onNotSent: end("not sent"),
    ...change,
  };
}

async function readyPair(change: Partial<ConnectionOptions> = {}): Promise<Pair> {
  const both = await pair(change);
  await both.worker.got("hello");
  both.worker.getReady();
  await both.ready;
  return both;
}

describe("UdsConnection's greeting", () => {
  it("proves itself with the first half of the nonce and wants the second", async () => {
    const { worker, events } = await readyPair();
    expect(worker.received[0]).toEqual({
      type: "hello",
      protocol: 1,
      nonce: NONCE.slice(0, 32),
      maxFrameBytes: 1_000_000,
    });
    expect(events).toEqual(["hello", "ready"]);
  });

  it.each([
    ["a stranger, by its nonce", { nonce: NONCE.slice(0, 32) }, "NONCE_MISMATCH"],
    ["a nonce of another length", { nonce: "" }, "NONCE_MISMATCH"],
    ["another version, before its nonce", { protocol: 2, nonce: "x" }, "PROTOCOL_VERSION"],
  ])("refuses %s", async (_, change, code) => {
    const { worker, closed } = await pair();
    await worker.got("hello");
    worker.greet(change);
    expect((await closed)?.code).toBe(code);
  });

  it("gives a worker's own reason for failing", async () => {
    const { worker, closed } = await pair();
    await worker.got("hello");
    worker.greet();
    worker.send({ type: "failed", code: "LOAD_FAILED", message: "no weights" });
    expect(await closed).toMatchObject({ code: "LOAD_FAILED", message: "no weights" });
  });
});

describe("UdsConnection's requests", () => {
  it("carries several at once and gives each its own answer", async () => {
    const { connection, worker } = await readyPair();
    const requests = [request(), request(), request()];
    for (const one of requests) connection.send(one);
    const sent = await worker.got("infer", 3);
    worker.send({ type: "result", id: sent[2]?.id, status: 200, headers: {} });
    worker.send({ type: "error", id: sent[0]?.id, code: "MODEL_ERROR", message: "m" });
    worker.send({ type: "result", id: sent[1]?.id, status: 200, headers: {} });
    await Promise.all(requests.map(({ over }) => over));
    expect(requests.map(({ seen }) => seen.at(-1))).toEqual(["error", "result", "result"]);
    expect(connection.inFlight).toBe(0);
  });

  it("keeps the slot of a cancelled request until its end, and cancels once", async () => {
    const { connection, worker } = await readyPair();
    const one = request();
    connection.send(one);
    const [sent] = await worker.got("infer");
    connection.cancel(one);
    connection.cancel(one);
    connection.ping();
    await worker.got("ping");
    expect([worker.received.filter(({ type }) => type === "cancel").length, connection.inFlight]).toEqual([1, 1]);
    worker.send({ type: "error", id: sent?.id, code: "CANCELLED", message: "" });
    await one.over;
    expect(connection.inFlight).toBe(0);
  });

  it("waits for the reader of a stream without credit, and for the worker once that stream is cancelled", async () => {
    const { connection, worker } = await readyPair();
    const begun = settleable<void>();
    const one = request({ stream: true, onStart: () => begun.resolve() });
    connection.send(one);
    const [sent] = await worker.got("infer");
    worker.send({ type: "start", id: sent?.id, status: 200, headers: {} });
    await begun.promise;
    expect(connection.activity).toMatchObject({ oldestMoveAt: undefined, oldestCancelAt: undefined });
    connection.cancel(one);
    expect(connection.activity).toMatchObject({ oldestMoveAt: undefined, oldestCancelAt: expect.any(Number) });
  });

  it("is in a call while the oldest of what it has was sent longer ago than a call needs to begin", async () => {
    const clock = new FakeClock();
    const { connection, worker } = await readyPair({ clock, callBeginsMs: 20 });
    const requests = [request(), request(), request()];
    for (const [index, one] of requests.entries()) {
      connection.send(one);
      await worker.got("infer", index + 1);
      clock.advance(10);
    }
    const [first, second, third] = await worker.got("infer", 3);
    expect(connection.isCalling).toBe(true);
    worker.send({ type: "result", id: second?.id, status: 200, headers: {}, segments: [] });
    await requests[1]?.over;
    expect(connection.isCalling).toBe(true);
    worker.send({ type: "result", id: first?.id, status: 200, headers: {}, segments: [] });
    await requests[0]?.over;
    expect(connection.isCalling).toBe(false);
    clock.advance(11);
    expect(connection.isCalling).toBe(true);
    worker.send({ type: "result", id: third?.id, status: 200, headers: {}, segments: [] });
    await requests[2]?.over;
    expect(connection.isCalling).toBe(false);
  });

  it("gives back a request that is cancelled before its first byte was written", async () => {
    const { connection, worker } = await readyPair();
    const [first, one] = [request(), request()];
    connection.send(first);
    connection.send(one);
    connection.cancel(one);
    expect([first.seen.includes("started"), one.seen]).toEqual([true, ["not sent"]]);
    connection.ping();
    await worker.got("ping");
    expect(worker.received.filter(({ type }) => type === "infer").length).toBe(1);
  });

  it("counts results that were in the socket when the worker ended", async () => {
    const { connection, worker, closed } = await readyPair();
    const [answered, owed] = [request(), request()];
    connection.send(answered);
    connection.send(owed);
    const [sent] = await worker.got("infer", 2);
    worker.send({ type: "result", id: sent?.id, status: 200, headers: {} });
    worker.socket.end();
    expect((await closed)?.code).toBe("EXITED");
    expect([answered.seen.at(-1), owed.seen.at(-1)]).toEqual(["result", "crashed"]);
  });

  it("ends a connection that breaks the protocol, with everything it owes", async () => {
    const { connection, worker, closed } = await readyPair();
    const one = request();
    connection.send(one);
    await worker.got("infer");
    worker.send({ type: "result", id: 77, status: 200, headers: {} });
    expect(await closed).toMatchObject({ code: "VIOLATION", message: expect.stringContaining("BAD_STATE") });
    expect(one.seen.at(-1)).toBe("crashed");
  });

  it("takes an end inside a frame for a violation", async () => {
    const { worker, closed } = await readyPair();
    worker.socket.end(Buffer.from([0, 0, 0, 9, 0x7b]));
    expect(await closed).toMatchObject({ code: "VIOLATION", message: expect.stringContaining("TRUNCATED") });
  });

  it("takes no more while its bytes wait in our memory, and releases a body once it is written", async () => {
    const { connection, worker } = await readyPair();
    worker.socket.pause();
    const large = Buffer.alloc(900_000);
    const requests = [1, 2, 3, 4].map(() => request({ body: [large], bodyBytes: large.length }));
    for (const one of requests) connection.send(one);
    await new Promise((resolve) => setImmediate(resolve));
    expect(connection.writable).toBe(false);
    const waiting = requests.filter(({ seen }) => !seen.includes("started"));
    expect(waiting.length).toBeGreaterThan(0);
    const writable = new Promise<void>((resolve) => connection.onWritable(resolve));
    worker.socket.resume();
    await writable;
    await worker.got("infer", 4);
    expect(requests.every(({ seen }) => seen.includes("started") && seen.includes("released"))).toBe(true);
  });

  it("gives back what it had not begun to write when the worker ends", async () => {
    const { connection, worker, closed } = await readyPair();
    worker.socket.pause();
    const large = Buffer.alloc(900_000);
    const requests = [1, 2, 3, 4].map(() => request({ body: [large], bodyBytes: large.length }));
    for (const one of requests) connection.send(one);
    await new Promise((resolve) => setImmediate(resolve));
    const started = requests.map(({ seen }) => seen.includes("started"));
    worker.socket.destroy();
    await closed;
    expect(
      requests.map(({ seen }) => seen.at(-1) === "crashed" || (seen.includes("crashed") && seen.at(-1) === "released")),
    ).toEqual(started);
    expect(requests.map(({ seen }) => seen.includes("not sent"))).toEqual(started.map((was) => !was));
  });

  it("lets the worker leave after drain without a reason, and with one if it still owed something", async () => {
    const first = await readyPair();
    first.connection.drain();
    await first.worker.got("drain");
    first.worker.socket.end();
    expect(await first.closed).toBeUndefined();
    server.close();
    rmSync(join(folder, "s"), { force: true });

    const second = await readyPair();
    const one = request();
    second.connection.send(one);
    await second.worker.got("infer");
    second.connection.drain();
    await second.worker.got("drain");
    second.worker.socket.end();
    expect((await second.closed)?.code).toBe("EXITED");
    expect(one.seen.at(-1)).toBe("crashed");
  });

  it("lets the worker leave after drain although something was still on its way to it", async () => {
    const { connection, worker, closed } = await readyPair();
    connection.drain();
    await worker.got("drain");
    connection.ping();
    worker.socket.destroy();
    expect(await closed).toBeUndefined();
  });
});

describe("connect", () => {
  it("gives up when the worker has ended, or does not listen in time", async () => {
    server = createServer();
    const gone = new AbortController();
    const path = join(folder, "nobody");
    const ended = connect({ path, timeoutMs: 5_000, clock: systemClock, signal: gone.signal });
    gone.abort();
    await expect(ended).rejects.toMatchObject({ code: "EXITED" });
    const late = connect({ path, timeoutMs: 30, clock: systemClock, signal: new AbortController().signal });
    await expect(late).rejects.toMatchObject({ code: "LOAD_TIMEOUT" });
  });
});
