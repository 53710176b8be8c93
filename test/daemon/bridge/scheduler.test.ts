import { beforeEach, describe, expect, it } from "vitest";
import type { AnswerSink, InFlight, Inference } from "../../../daemon/bridge/in-flight.ts";
import { Scheduler, type SettledRequest } from "../../../daemon/bridge/scheduler.ts";
import { AnswerError } from "../../../daemon/errors.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakePort } from "./fake-port.ts";

/** What one caller saw. */
class Caller implements AnswerSink {
  readonly seen: string[] = [];
  released = 0;

  result(): void {
    this.seen.push("result");
  }
  start(): void {
    this.seen.push("start");
  }
  chunk(): void {
    this.seen.push("chunk");
  }
  end(): void {
    this.seen.push("end");
  }
  fail(error: AnswerError): void {
    this.seen.push(error.code);
  }
  bodyReleased(): void {
    this.released++;
  }
}

let clock: FakeClock;
let scheduler: Scheduler;
let settled: SettledRequest[];

beforeEach(() => {
  clock = new FakeClock();
  settled = [];
  scheduler = new Scheduler({ maxQueue: 3, maxCallerInFlight: 100 }, clock, (request) => settled.push(request));
  scheduler.open();
});

function submit(caller: AnswerSink, change: Partial<Inference> = {}): InFlight {
  const inference = {
    caller: "someone",
    route: "json",
    stream: false,
    headersJson: "{}",
    body: [],
    bodyBytes: 0,
    arrivedAt: clock.now(),
    timeoutMs: 1_000,
    streamTimeoutMs: 10_000,
    ...change,
  };
  return scheduler.submit(inference, caller);
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("Scheduler", () => {
  it("hands a request to a free worker at once, and its answer to its caller", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const caller = new Caller();
    submit(caller);
    port.answer();
    expect([caller.seen, caller.released, clock.timers]).toEqual([["result"], 1, 0]);
  });

  it("keeps what no worker has room for, and sends it when one has", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const callers = [1, 2, 3].map(() => new Caller());
    for (const caller of callers) submit(caller);
    expect([port.inFlight, scheduler.waiting]).toEqual([1, 2]);
    port.answer();
    expect([port.inFlight, scheduler.waiting]).toEqual([1, 1]);
  });

  it("sends nothing while a worker's socket is full, and goes on when it has drained", () => {
    const port = new FakePort("a", 8);
    scheduler.addPort(port);
    port.setWritable(false);
    submit(new Caller());
    expect(scheduler.waiting).toBe(1);
    port.setWritable(true);
    expect([scheduler.waiting, port.inFlight]).toEqual([0, 1]);
  });

  it("chooses the worker with the smallest part of its capacity taken", () => {
    const small = new FakePort("small", 2);
    const large = new FakePort("large", 8);
    scheduler.addPort(small);
    scheduler.addPort(large);
    for (let i = 0; i < 5; i++) submit(new Caller());
    expect([small.inFlight, large.inFlight]).toEqual([1, 4]);
  });

  it("serves callers by turns, however many one of them has waiting", () => {
    const port = new FakePort("a", 1);
    scheduler = new Scheduler({ maxQueue: 100, maxCallerInFlight: 100 }, clock, () => undefined);
    scheduler.open();
    submit(new Caller(), { caller: "greedy" });
    for (let i = 0; i < 10; i++) submit(new Caller(), { caller: "greedy" });
    submit(new Caller(), { caller: "modest" });
    submit(new Caller(), { caller: "other" });
    scheduler.addPort(port);
    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      order.push((port.owed[0] as InFlight).caller);
      port.answer();
    }
    expect(order).toEqual(["greedy", "modest", "other", "greedy", "greedy", "greedy"]);
  });

  it("sheds a full queue's newest request of whoever has the most, for a caller with less", () => {
    const greedy = [1, 2, 3].map(() => new Caller());
    for (const caller of greedy) submit(caller, { caller: "greedy" });
    submit(new Caller(), { caller: "modest" });
    expect(greedy.map(({ seen }) => seen)).toEqual([[], [], ["OVERLOADED"]]);
    expect(() => submit(new Caller(), { caller: "greedy" })).toThrow(code("OVERLOADED"));
  });

  it("refuses a caller with too many requests in flight", () => {
    scheduler = new Scheduler({ maxQueue: 100, maxCallerInFlight: 2 }, clock, () => undefined);
    scheduler.open();
    submit(new Caller());
    const second = submit(new Caller());
    expect(() => submit(new Caller())).toThrow(code("OVERLOADED"));
    submit(new Caller(), { caller: "another" });
    second.cancel();
    submit(new Caller());
  });

  it("counts queue and worker together against the deadline, and keeps the slot until the worker's end", () => {
    const port = new FakePort("a", 1);
    const caller = new Caller();
    submit(caller);
    clock.advance(600);
    scheduler.addPort(port);
    clock.advance(399);
    expect(caller.seen).toEqual([]);
    clock.advance(1);
    expect([caller.seen, port.cancelled.size, port.inFlight]).toEqual([["DEADLINE_EXCEEDED"], 1, 1]);
    port.answer();
    expect([caller.seen, port.inFlight]).toEqual([["DEADLINE_EXCEEDED"], 0]);
  });

  it("frees the queue place of a caller that leaves", () => {
    const caller = new Caller();
    submit(caller).cancel();
    expect([scheduler.waiting, scheduler.unsettled, caller.seen, caller.released, clock.timers]).toEqual([
      0,
      0,
      [],
      1,
      0,
    ]);
    expect(settled[0]?.outcome).toBe("CANCELLED");
  });

  it("answers WORKER_CRASHED for what was started, and keeps what was not for the next worker", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const [started, waits] = [new Caller(), new Caller()];
    submit(started);
    submit(waits);
    scheduler.removePort(port);
    port.crash();
    expect([started.seen, waits.seen]).toEqual([["WORKER_CRASHED"], []]);
    const next = new FakePort("b", 1);
    scheduler.addPort(next);
    next.answer();
    expect(waits.seen).toEqual(["result"]);
  });

  it("hands a request that came back unsent to another worker once, and no more", () => {
    const ports = [1, 2, 3].map((n) => new UnsendablePort(String(n), 1));
    const caller = new Caller();
    for (const port of ports) scheduler.addPort(port);
    submit(caller);
    for (const port of ports) port.giveBack();
    expect([caller.seen, ports.map(({ asked }) => asked)]).toEqual([["WORKER_CRASHED"], [1, 1, 0]]);
  });

  it("refuses new requests while paused, and keeps those that wait", () => {
    const caller = new Caller();
    submit(caller);
    scheduler.pause(() => new AnswerError("MODEL_NOT_READY", "no"));
    expect(() => submit(new Caller())).toThrow(code("MODEL_NOT_READY"));
    expect(caller.seen).toEqual([]);
  });

  it("answers those that wait when it is shut, and everything when it ends", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const [sent, waits] = [new Caller(), new Caller()];
    submit(sent);
    submit(waits);
    scheduler.shut(() => new AnswerError("DRAINING", "no"));
    expect([sent.seen, waits.seen]).toEqual([[], ["DRAINING"]]);
    scheduler.end(() => new AnswerError("DRAINING", "no"));
    expect([sent.seen, scheduler.unsettled]).toEqual([["DRAINING"], 0]);
  });
});

describe("Scheduler with streams", () => {
  it("bounds the first chunk and each gap by the timeout, not the whole", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const caller = new Caller();
    submit(caller, { stream: true });
    const [request] = port.owed;
    clock.advance(900);
    request?.onStart(200, {});
    request?.onChunk([]);
    clock.advance(900);
    request?.onChunk([]);
    clock.advance(999);
    expect(caller.seen).toEqual(["start", "chunk", "chunk"]);
    clock.advance(1);
    expect(caller.seen.at(-1)).toBe("DEADLINE_EXCEEDED");
  });

  it("does not count the time a stream waits for its reader", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const caller = new Caller();
    const inFlight = submit(caller, { stream: true });
    const [request] = port.owed;
    request?.onStart(200, {});
    for (let i = 0; i < (request?.credit ?? 0); i++) request?.onChunk([]);
    clock.advance(5_000);
    expect(caller.seen.at(-1)).toBe("chunk");
    inFlight.consume(request?.credit ?? 0);
    expect(port.granted).toEqual([request?.credit]);
    clock.advance(1_000);
    expect(caller.seen.at(-1)).toBe("DEADLINE_EXCEEDED");
  });

  it("bounds the whole by the stream's own timeout", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const caller = new Caller();
    submit(caller, { stream: true });
    const [request] = port.owed;
    request?.onStart(200, {});
    for (let i = 0; i < 19; i++) {
      clock.advance(500);
      request?.onChunk([]);
    }
    expect(caller.seen.at(-1)).toBe("chunk");
    clock.advance(500);
    expect(caller.seen.at(-1)).toBe("DEADLINE_EXCEEDED");
  });

  it("says nothing more to a caller that has its error", () => {
    const port = new FakePort("a", 1);
    scheduler.addPort(port);
    const caller = new Caller();
    submit(caller, { stream: true });
    const [request] = port.owed;
    clock.advance(1_000);
    request?.onStart(200, {});
    request?.onChunk([]);
    request?.onEnd();
    expect(caller.seen).toEqual(["DEADLINE_EXCEEDED"]);
  });
});

/** A port whose socket is gone before anything was written to it. */
class UnsendablePort extends FakePort {
  asked = 0;

  override send(request: Parameters<FakePort["send"]>[0]): void {
    this.asked++;
    this.owed.push(request);
  }

  giveBack(): void {
    this.isGone = true;
    this.writable = false;
    for (const request of this.owed.splice(0)) request.onNotSent();
  }
}
