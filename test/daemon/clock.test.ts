import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { systemClock } from "../../daemon/clock.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] });
});

afterEach(() => {
  if (vi.isFakeTimers()) vi.runAllTimers();
  vi.useRealTimers();
});

it("calls what is due in the order of its time, and never early", () => {
  const begun = systemClock.now();
  const called: { name: string; afterMs: number }[] = [];
  for (const [name, delayMs] of [
    ["c", 30.5],
    ["a", 10],
    ["b", 20.25],
    ["now", 0],
  ] as const) {
    systemClock.after(delayMs, () => called.push({ name, afterMs: systemClock.now() - begun }));
  }
  vi.advanceTimersByTime(100);
  expect(called.map(({ name }) => name)).toEqual(["now", "a", "b", "c"]);
  const late = called.map(({ afterMs }, at) => afterMs - ([0, 10, 20.25, 30.5][at] as number));
  expect(late.every((ms) => ms >= 0 && ms <= 2)).toBe(true);
});

it("does not call what was called off, and calling off again does nothing", () => {
  const called: string[] = [];
  const first = systemClock.after(10, () => called.push("first"));
  systemClock.after(20, () => called.push("second"));
  first.cancel();
  first.cancel();
  vi.advanceTimersByTime(15);
  expect(called).toEqual([]);
  vi.advanceTimersByTime(15);
  expect(called).toEqual(["second"]);
});

it("has one timer of Node's for any number of its own", () => {
  const before = vi.getTimerCount();
  const timers = Array.from({ length: 1_000 }, (_, number) => systemClock.after(30_000 + number, () => undefined));
  expect(vi.getTimerCount() - before).toBe(1);
  for (const timer of timers) timer.cancel();
});

it("calls what a timer that goes off sets for now, and a timer that it calls off no more", () => {
  const called: string[] = [];
  systemClock.after(10, () => {
    called.push("first");
    systemClock.after(0, () => called.push("set by first"));
    second.cancel();
  });
  const second = systemClock.after(10, () => called.push("second"));
  vi.advanceTimersByTime(20);
  expect(called).toEqual(["first", "set by first"]);
});

it("goes on with the others when one throws", () => {
  const called: string[] = [];
  systemClock.after(5, () => {
    throw new Error("thrown by a timer");
  });
  systemClock.after(11, () => called.push("next"));
  expect(() => vi.advanceTimersByTime(10)).toThrow("thrown by a timer");
  vi.advanceTimersByTime(10);
  expect(called).toEqual(["next"]);
});

it("calls what fell due while the process stood still only once it has read what came meanwhile", async () => {
  vi.useRealTimers();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  const socket = createConnection(address.port, address.address);
  const [[peer]] = (await Promise.all([once(server, "connection"), once(socket, "connect")])) as [[Socket], unknown];
  const seen: string[] = [];
  socket.on("data", () => seen.push("answer"));
  await new Promise<void>((resolve) => {
    systemClock.after(20, () => {
      seen.push("deadline");
      resolve();
    });
    peer.write("x");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);
  });
  expect(seen).toEqual(["answer", "deadline"]);
  socket.destroy();
  server.close();
});
