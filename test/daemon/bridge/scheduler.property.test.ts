import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnswerSink, InFlight } from "../../../daemon/bridge/in-flight.ts";
import { Scheduler, type SettledRequest } from "../../../daemon/bridge/scheduler.ts";
import { AnswerError } from "../../../daemon/errors.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakePort } from "./fake-port.ts";

const MAX_QUEUE = 5;
const MAX_CALLER = 6;
const CAPACITY = 2;
const CALL_BEGINS_MS = 30;

/** What the simple model knows of one request. */
interface Record {
  inFlight?: InFlight;
  readonly caller: string;
  readonly dueAt: number;
  readonly answers: string[];
  left: boolean;
  released: number;
}

/** The real scheduler with fake workers and a fake clock, and a list of every request it took. */
class World {
  readonly clock = new FakeClock();
  readonly settled: SettledRequest[] = [];
  readonly scheduler = new Scheduler({ maxQueue: MAX_QUEUE, maxCallerInFlight: MAX_CALLER }, this.clock, (request) =>
    this.settled.push(request),
  );
  readonly records: Record[] = [];
  ports: FakePort[] = [];
  private launched = 0;

  constructor() {
    this.scheduler.open();
  }

  get open(): readonly Record[] {
    return this.records.filter(({ answers, left }) => answers.length === 0 && !left);
  }

  submit(caller: string, timeoutMs: number): void {
    const own = this.open.filter((record) => record.caller === caller).length;
    const refused = own >= MAX_CALLER;
    const record: Record = { answers: [], left: false, released: 0, caller, dueAt: this.clock.now() + timeoutMs };
    const sink: AnswerSink = {
      result: () => record.answers.push("result"),
      fail: ({ code }) => record.answers.push(code),
      start: () => record.answers.push("start"),
      chunk: () => undefined,
      end: () => undefined,
      bodyReleased: () => {
        record.released++;
      },
    };
    try {
      record.inFlight = this.scheduler.submit(
        {
          caller,
          route: "json",
          stream: false,
          headersJson: "{}",
          body: [],
          bodyBytes: 0,
          arrivedAt: this.clock.now(),
          timeoutMs,
          streamTimeoutMs: timeoutMs,
        },
        sink,
      );
      expect(refused).toBe(false);
      this.records.push(record);
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      expect(error.code).toBe("OVERLOADED");
      expect(record.answers).toEqual([]);
    }
  }

  cancel(pick: number): void {
    const { open } = this;
    const record = open[pick % Math.max(open.length, 1)];
    if (record === undefined) return;
    record.left = true;
    record.inFlight?.cancel();
  }

  launch(): void {
    if (this.ports.length === 3) return;
    const port = new FakePort(String(++this.launched), CAPACITY, () => this.clock.now(), CALL_BEGINS_MS);
    this.ports.push(port);
    this.scheduler.addPort(port);
  }

  crash(pick: number): void {
    const port = this.ports[pick % Math.max(this.ports.length, 1)];
    if (port === undefined) return;
    this.ports = this.ports.filter((other) => other !== port);
    this.scheduler.removePort(port);
    port.crash();
  }

  answer(pick: number): void {
    const port = this.ports[pick % Math.max(this.ports.length, 1)];
    port?.answer(pick % Math.max(port.inFlight, 1));
  }

  block(pick: number, writable: boolean): void {
    this.ports[pick % Math.max(this.ports.length, 1)]?.setWritable(writable);
  }

  /** What must hold after every step. */
  check(): void {
    const { scheduler, ports } = this;
    for (const { answers, left, released } of this.records) {
      expect(answers.length).toBeLessThanOrEqual(left ? 0 : 1);
      expect(released).toBeLessThanOrEqual(1);
    }
    for (const { dueAt } of this.open) expect(dueAt).toBeGreaterThan(this.clock.now());
    expect(scheduler.unsettled).toBe(this.open.length);
    expect(this.settled.length).toBe(this.records.length - this.open.length);
    expect(scheduler.waiting).toBeLessThanOrEqual(MAX_QUEUE);
    const hasRoom = ports.some((port) => port.writable && !port.isCalling && port.inFlight < port.capacity);
    if (hasRoom) expect(scheduler.waiting).toBe(0);
    expect(this.clock.timers).toBe(this.open.length);
  }
}

type Step = (world: World) => void;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 200 })).map(
      ([caller, timeoutMs]): Step =>
        (world) =>
          world.submit(caller, timeoutMs),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.nat(20).map(
      (pick): Step =>
        (world) =>
          world.answer(pick),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.nat(20).map(
      (pick): Step =>
        (world) =>
          world.cancel(pick),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.launch()) },
  {
    weight: 1,
    arbitrary: fc.nat(20).map(
      (pick): Step =>
        (world) =>
          world.crash(pick),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(20), fc.boolean()).map(
      ([pick, writable]): Step =>
        (world) =>
          world.block(pick, writable),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 80 }).map(
      (ms): Step =>
        (world) =>
          world.clock.advance(ms),
    ),
  },
);

describe("Scheduler against a simple model", () => {
  it("settles every request exactly once, on time, whatever callers, workers and the clock do", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
        const world = new World();
        for (const act of steps) {
          act(world);
          world.check();
        }
        world.clock.advance(1_000);
        while (world.ports.some(({ inFlight }) => inFlight > 0)) for (const port of world.ports) port.answer();
        world.check();
        expect(world.open).toEqual([]);
        expect(world.records.every(({ released }) => released === 1)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
