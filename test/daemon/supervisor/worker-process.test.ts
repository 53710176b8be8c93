import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { PortRequest } from "../../../daemon/bridge/worker-port.ts";
import { type Clock, systemClock } from "../../../daemon/clock.ts";
import { Supervisor } from "../../../daemon/supervisor/supervisor.ts";
import type { WorkerEnd } from "../../../daemon/supervisor/worker-life.ts";
import { createLauncher } from "../../../daemon/supervisor/worker-process.ts";
import type { WorkerSettings } from "../../../daemon/supervisor/worker-settings.ts";

const lateEnd = fileURLToPath(new URL("../../fixtures/programs/late-end.cjs", import.meta.url));

/** Waits longer than it would, so that a busy machine does not decide the test. */
const patientClock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms * 20, run) };

const noGuard = { watch: () => undefined, release: () => undefined };

const settings: WorkerSettings = {
  name: "m",
  classSpec: "fails:1",
  workers: 1,
  concurrency: 1,
  maxBatch: 1,
  maxWaitMs: 0,
  timeoutMs: 1_000,
  loadTimeoutMs: 60_000,
  healthIntervalMs: 1_000,
  maxRestarts: 1,
  required: true,
  env: {},
  devices: [],
};

/** Starts a model and resolves with its supervisor and the codes of its first `crashes` ends. */
function crash(crashes: number, options: { python: string; nextSocketPath: () => string; clock?: Clock }) {
  const clock = options.clock ?? systemClock;
  return new Promise<{ supervisor: Supervisor; codes: readonly (string | undefined)[] }>((resolve) => {
    const codes: (string | undefined)[] = [];
    const platform = { python: options.python, pythonPath: [], env: process.env, maxFrameBytes: 1_000 };
    const supervisor = new Supervisor({
      settings,
      clock,
      random: () => 0,
      launch: createLauncher({ platform, clock, guard: noGuard, nextSocketPath: options.nextSocketPath }),
      listener: {
        onPortReady: () => undefined,
        onPortGone: () => undefined,
        onChanged: () => undefined,
        onLine: () => undefined,
        onCrashed: (_, { reason }) => {
          if (codes.push(reason?.code) === crashes) setImmediate(() => resolve({ supervisor, codes }));
        },
      },
    });
    supervisor.start();
  });
}

/** Launches a worker, tells it to drain when it is ready, and resolves with its end. */
function drainOne(options: { code: number; owes: boolean; socketPath: string }): Promise<WorkerEnd> {
  const platform = { python: lateEnd, pythonPath: [], env: process.env, maxFrameBytes: 1_000 };
  const nextSocketPath = () => options.socketPath;
  const launch = createLauncher({ platform, clock: patientClock, guard: noGuard, nextSocketPath });
  return new Promise((resolve) => {
    const life = launch({ ...settings, classSpec: `leaves:${options.code}` }, 0, {
      onLoading: () => undefined,
      onReady: (port) => {
        if (options.owes) port.send(request());
        life.drain();
      },
      onUnhealthy: () => undefined,
      onLine: () => undefined,
      onEnded: resolve,
    });
  });
}

/** A request whose end nobody waits for. */
function request(): PortRequest {
  const ignore = () => undefined;
  return {
    route: "json",
    stream: false,
    credit: 0,
    headersJson: "{}",
    body: [Buffer.from("1")],
    bodyBytes: 1,
    deadlineAt: systemClock.now() + 5_000,
    portEntry: undefined,
    onStarted: ignore,
    onBodyReleased: ignore,
    onStart: ignore,
    onChunk: ignore,
    onResult: ignore,
    onError: ignore,
    onEnd: ignore,
    onCrashed: ignore,
    onNotSent: ignore,
  };
}

describe("createLauncher", () => {
  it("fails a model whose interpreter is not there, for good", async () => {
    const { supervisor, codes } = await crash(1, { python: "/nowhere/python", nextSocketPath: () => "/nowhere/s" });
    expect([codes, supervisor.status.state]).toEqual([["SPAWN_FAILED"], "failed"]);
    await supervisor.stop();
  });

  it("fails a model whose arguments are too big for any process, for good", async () => {
    const { supervisor, codes } = await crash(1, {
      python: process.execPath,
      nextSocketPath: () => `/${"x".repeat(3_000_000)}`,
    });
    expect([codes, supervisor.status.state]).toEqual([["SPAWN_FAILED"], "failed"]);
    expect(supervisor.status.reason).toContain("E2BIG");
    await supervisor.stop();
  });

  it("tries again, beyond the model's own budget, when the machine has run out of something", async () => {
    const busy = () => {
      throw Object.assign(new Error("spawn EAGAIN"), { code: "EAGAIN" });
    };
    const { supervisor, codes } = await crash(3, { python: process.execPath, nextSocketPath: busy });
    expect(codes).toEqual(["SPAWN_BUSY", "SPAWN_BUSY", "SPAWN_BUSY"]);
    expect(supervisor.status.state).toBe("starting");
    await supervisor.stop();
  });

  it("knows why a model did not load although the process was gone before its last words were read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-late-"));
    const nextSocketPath = () => join(folder, "1.sock");
    const { supervisor, codes } = await crash(1, { python: lateEnd, nextSocketPath, clock: patientClock });
    expect([codes, supervisor.status.state]).toEqual([["LOAD_FAILED"], "failed"]);
    expect(supervisor.status.reason).toMatch(/^RuntimeError: the weights are missing\. It is not started again/);
    await supervisor.stop();
    rmSync(folder, { recursive: true });
  });

  it.each([
    { code: 0, owes: false, reason: undefined },
    { code: 3, owes: false, reason: "The worker exited with code 3." },
    { code: 0, owes: true, reason: "The worker exited with code 0." },
  ])(
    "judges one that was told to drain, and whose exit is seen before its socket's end: $code, owes $owes",
    async ({ code, owes, reason }) => {
      const folder = mkdtempSync(join(tmpdir(), "gatehouse-late-"));
      const end = await drainOne({ code, owes, socketPath: join(folder, "1.sock") });
      expect([end.wasReady, end.reason?.message]).toEqual([true, reason]);
      rmSync(folder, { recursive: true });
    },
  );
});
