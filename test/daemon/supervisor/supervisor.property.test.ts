import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WorkerError, type WorkerErrorCode } from "../../../daemon/errors.ts";
import { type ModelStatus, Supervisor } from "../../../daemon/supervisor/supervisor.ts";
import type { ReadyPort, WorkerLife, WorkerLifeListener } from "../../../daemon/supervisor/worker-life.ts";
import type { WorkerSettings } from "../../../daemon/supervisor/worker-settings.ts";
import { FakePort } from "../bridge/fake-port.ts";
import { FakeClock } from "../fake-clock.ts";

const MAX_RESTARTS = 3;

const settings: WorkerSettings = {
  name: "m",
  classSpec: "m:M",
  workers: 2,
  concurrency: 1,
  maxBatch: 1,
  maxWaitMs: 0,
  timeoutMs: 1_000,
  loadTimeoutMs: 1_000,
  healthIntervalMs: 1_000,
  maxRestarts: MAX_RESTARTS,
  required: true,
  env: {},
  devices: [],
};

const READY = {
  type: "ready",
  name: "m",
  methods: ["predict"],
  inputs: [],
  outputs: [],
  maxBatch: 1,
  concurrency: 1,
} as const;

/** A worker that gets ready, fails and leaves when the test says so. */
class FakeLife implements WorkerLife {
  readonly pid = 1;
  state: "starting" | "ready" | "ended" = "starting";
  draining = false;
  killed = false;
  readonly port = new FakePort("p", 1);
  private readyAt = 0;

  constructor(
    readonly index: number,
    private readonly listener: WorkerLifeListener,
    private readonly clock: FakeClock,
  ) {}

  drain(): void {
    this.draining = true;
  }

  kill(): void {
    this.killed = true;
  }

  getReady(): void {
    if (this.state !== "starting" || this.draining || this.killed) return;
    this.state = "ready";
    this.readyAt = this.clock.now();
    this.listener.onLoading();
    this.listener.onReady(this.port, READY);
  }

  fallIll(): void {
    if (this.state === "ready" && !this.draining) this.listener.onUnhealthy(new WorkerError("UNHEALTHY", "unwell"));
  }

  /** Leaves as told, or crashes. */
  end(code: WorkerErrorCode): void {
    if (this.state === "ended") return;
    const wasReady = this.state === "ready";
    this.state = "ended";
    const left = this.draining && wasReady && code === "STOPPED";
    const reason = left ? undefined : new WorkerError(code === "STOPPED" ? "EXITED" : code, "ended");
    this.listener.onEnded({
      reason,
      wasReady,
      readyForMs: wasReady ? this.clock.now() - this.readyAt : 0,
      stderrTail: [],
    });
  }
}

class World {
  readonly clock = new FakeClock();
  readonly lives: FakeLife[] = [];
  readonly open = new Set<ReadyPort>();
  readonly reloads: string[] = [];
  crashes = 0;
  stopped = false;
  hasLeft = false;
  reported: ModelStatus | undefined;
  readonly supervisor = new Supervisor({
    settings,
    clock: this.clock,
    random: () => 0.5,
    launch: (_, index, listener) => {
      const life = new FakeLife(index, listener, this.clock);
      this.lives.push(life);
      return life;
    },
    listener: {
      onPortReady: (port) => this.open.add(port),
      onPortGone: (port) => {
        expect(this.open.delete(port)).toBe(true);
      },
      onChanged: (status) => {
        this.reported = status;
      },
      onLine: () => undefined,
      onCrashed: () => {
        this.crashes++;
      },
    },
  });

  get alive(): readonly FakeLife[] {
    return this.lives.filter(({ state }) => state !== "ended");
  }

  pick(n: number): FakeLife | undefined {
    return this.alive[n % Math.max(this.alive.length, 1)];
  }

  reload(): void {
    const at = this.reloads.push("pending") - 1;
    this.supervisor.reload().then(
      () => {
        this.reloads[at] = "done";
      },
      () => {
        this.reloads[at] = "failed";
      },
    );
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    void this.supervisor.stop().then(() => {
      this.hasLeft = true;
    });
  }

  /** What must hold after every step. */
  check(): void {
    const { status } = this.supervisor;
    const serving = this.alive.filter(({ state, draining }) => state === "ready" && !draining);
    expect([...this.open]).toEqual(expect.arrayContaining(serving.map(({ port }) => port)));
    expect(this.open.size).toBe(this.stopped ? this.open.size : serving.length);
    if (!this.stopped) expect(status.state === "ready").toBe(serving.length > 0);
    else expect(status.state).toBe("draining");
    expect(this.reported?.state ?? status.state).toBe(status.state);
    for (const index of [0, 1]) {
      const own = this.alive.filter((life) => life.index === index && !life.draining);
      expect(own.length).toBeLessThanOrEqual(2);
      const worker = status.workers[index];
      expect(worker?.restarts).toBeLessThanOrEqual(this.crashes);
      if (worker?.state === "failed") expect(worker.reason).not.toBeNull();
    }
  }
}

const everythingPromised = () => new Promise((resolve) => setImmediate(resolve));

type Step = (world: World) => void;

const CODES: readonly WorkerErrorCode[] = [
  "EXITED",
  "EXITED",
  "VIOLATION",
  "UNRESPONSIVE",
  "CALL_TIMEOUT",
  "LOAD_FAILED",
  "PROTOCOL_VERSION",
  "STOPPED",
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.nat(9).map(
      (n): Step =>
        (world) =>
          world.pick(n)?.getReady(),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.nat(9), fc.constantFrom(...CODES)).map(
      ([n, code]): Step =>
        (world) =>
          world.pick(n)?.end(code),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(9).map(
      (n): Step =>
        (world) =>
          world.pick(n)?.fallIll(),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.integer({ min: 1, max: 20_000 }).map(
      (ms): Step =>
        (world) =>
          world.clock.advance(ms),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.reload()) },
);

describe("Supervisor", () => {
  it("goes on within its budget when an old worker and its replacement crash during a reload, and tells the reload's caller", async () => {
    const world = new World();
    world.supervisor.start();
    for (const life of world.alive) life.getReady();
    world.reload();
    await everythingPromised();
    const [old, , fresh] = world.lives;
    old?.end("EXITED");
    fresh?.end("EXITED");
    await everythingPromised();
    expect([world.reloads, world.supervisor.status.workers[0]?.state]).toEqual([["failed"], "starting"]);
    world.clock.advance(1_000);
    world.lives[3]?.getReady();
    expect(world.supervisor.status.workers[0]).toMatchObject({ state: "ready", restarts: 1 });
  });
});

describe("Supervisor against a simple model", () => {
  it("serves with whoever is ready, restarts what crashed, and leaves nobody behind when it stops", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const world = new World();
        world.supervisor.start();
        for (const act of steps) {
          act(world);
          // A reload goes from worker to worker by promises.
          await everythingPromised();
          world.check();
        }
        world.stop();
        await everythingPromised();
        expect(world.alive.every(({ draining }) => draining)).toBe(true);
        const launched = world.lives.length;
        for (const life of world.alive) life.end("STOPPED");
        world.clock.advance(600_000);
        await everythingPromised();
        expect([world.hasLeft, world.open.size, world.clock.timers, world.lives.length]).toEqual([
          true,
          0,
          0,
          launched,
        ]);
        expect(world.reloads).not.toContain("pending");
      }),
      { numRuns: 500 },
    );
  });
});
