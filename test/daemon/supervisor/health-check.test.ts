import { describe, expect, it } from "vitest";
import {
  GRACE_MS,
  HealthCheck,
  judgeHealth,
  LEAVE_MS,
  type Pingable,
} from "../../../daemon/supervisor/health-check.ts";
import type { ConnectionActivity } from "../../../daemon/transport/uds-connection.ts";
import { FakeClock } from "../fake-clock.ts";

const LIMITS = { timeoutMs: 10_000, maxWaitMs: 100, healthIntervalMs: 5_000 };

const IDLE: ConnectionActivity = {
  busy: false,
  busySince: 0,
  lastReceivedAt: 0,
  pingsPending: 0,
  oldestMoveAt: undefined,
  oldestCancelAt: undefined,
  drainSentAt: undefined,
};

const BUSY: ConnectionActivity = { ...IDLE, busy: true, oldestMoveAt: 0 };

const judge = (now: number, activity: ConnectionActivity, pingedAt = 0) =>
  judgeHealth({ now, activity, pingedAt }, LIMITS).kind;

describe("judgeHealth of an idle worker", () => {
  it("pings it at every interval", () => {
    expect(judge(4_999, IDLE)).toBe("well");
    expect(judge(5_000, IDLE)).toBe("probe");
  });

  it("takes it for dead when a ping is not answered in time", () => {
    expect(judge(GRACE_MS - 1, { ...IDLE, pingsPending: 1 })).toBe("well");
    expect(judge(GRACE_MS, { ...IDLE, pingsPending: 1 })).toBe("unresponsive");
  });

  it("gives it the time from the end of a call for a ping that came during the call", () => {
    expect(judge(20_000, { ...IDLE, pingsPending: 1, busySince: 19_000 })).toBe("well");
  });

  it("takes it for dead when it does not leave after drain", () => {
    const draining = { ...IDLE, drainSentAt: 1_000, busySince: 2_000 };
    expect(judge(2_000 + LEAVE_MS - 1, draining, 6_000)).toBe("well");
    expect(judge(2_000 + LEAVE_MS, draining, 6_000)).toBe("unresponsive");
  });
});

describe("judgeHealth of a busy worker", () => {
  it("never takes it for dead within its model's timeout and the grace, however silent", () => {
    for (const pingsPending of [0, 1, 5])
      expect(judge(10_000 + GRACE_MS - 1, { ...BUSY, pingsPending })).not.toBe("unresponsive");
  });

  it("takes it for dead when it has sent nothing for longer", () => {
    expect(judge(10_000 + GRACE_MS, { ...BUSY, pingsPending: 1 })).toBe("unresponsive");
  });

  it("counts silence from the last thing it sent, or from its becoming busy", () => {
    expect(judge(20_000, { ...BUSY, oldestMoveAt: 15_000, lastReceivedAt: 15_000 })).not.toBe("unresponsive");
    expect(judge(20_000, { ...BUSY, oldestMoveAt: 15_000, busySince: 15_000 })).not.toBe("unresponsive");
  });

  it("allows an item to wait for one call and then run, and no longer, although the worker answers pings", () => {
    const bound = 2 * (10_000 + GRACE_MS) + LIMITS.maxWaitMs;
    const talkative = (now: number) => ({ ...BUSY, lastReceivedAt: now });
    expect(judge(bound - 1, talkative(bound - 1))).toBe("well");
    expect(judge(bound, talkative(bound))).toBe("unresponsive");
  });

  it("allows a cancelled stream one call to end, and no longer, although the worker answers pings", () => {
    const cancelled = (now: number) => ({ ...BUSY, oldestMoveAt: 4_000, oldestCancelAt: 5_000, lastReceivedAt: now });
    expect(judge(15_000 + GRACE_MS - 1, cancelled(15_000))).toBe("well");
    expect(judge(15_000 + GRACE_MS, cancelled(15_000))).toBe("unresponsive");
  });

  it("pings it when it is quiet, one ping at a time", () => {
    expect(judge(5_000, BUSY)).toBe("probe");
    expect(judge(5_000, { ...BUSY, pingsPending: 1 })).toBe("well");
  });
});

describe("HealthCheck", () => {
  it("pings and checks an idle worker, and reports it once when it stops answering", () => {
    const clock = new FakeClock();
    let pingsPending = 0;
    const calls: string[] = [];
    const connection: Pingable = {
      get activity() {
        return { ...IDLE, pingsPending };
      },
      ping: () => {
        calls.push("ping");
        pingsPending = 1;
      },
      check: () => calls.push("check"),
    };
    const errors: string[] = [];
    new HealthCheck({
      connection,
      limits: LIMITS,
      hasCheck: true,
      clock,
      onUnresponsive: ({ code }) => errors.push(code),
    });
    clock.advance(5_000);
    pingsPending = 0;
    clock.advance(5_000);
    expect(calls).toEqual(["ping", "check", "ping", "check"]);
    clock.advance(60_000);
    expect([errors, clock.timers]).toEqual([["UNRESPONSIVE"], 0]);
  });

  it("spares a worker whose answer was in the socket all the while that this process was stopped", () => {
    const clock = new FakeClock();
    let lastReceivedAt = 0;
    const connection: Pingable = {
      get activity() {
        return { ...BUSY, oldestMoveAt: lastReceivedAt, lastReceivedAt };
      },
      ping: () => undefined,
      check: () => undefined,
    };
    const errors: string[] = [];
    new HealthCheck({
      connection,
      limits: LIMITS,
      hasCheck: false,
      clock,
      onUnresponsive: ({ code }) => errors.push(code),
    });
    clock.jump(20_000);
    // Timers come first in the event loop's turn, and the socket is read after them.
    lastReceivedAt = clock.now();
    clock.advance(1_000);
    expect(errors).toEqual([]);
    clock.advance(20_000);
    expect(errors).toEqual(["UNRESPONSIVE"]);
  });
});
