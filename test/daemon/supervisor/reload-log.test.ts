import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type DaemonInProcess, fixture, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";

let daemon: DaemonInProcess;

afterEach(() => daemon[Symbol.asyncDispose]());

/** A model that loads unless there is a file `fail` in the daemon's folder. */
async function start(workers = 1): Promise<void> {
  daemon = await startDaemonInProcess(`
    [models.m]
    class = "${fixture("telling.py", "LoadsUnless")}"
    env = { FAIL_WHILE = "{FOLDER}/fail" }
    workers = ${workers}
    max_restarts = 0
  `);
  // One ready worker makes a model ready.
  while ((await daemon.state()).models[0]?.workers.some(({ state }) => state !== "ready"))
    await new Promise((resolve) => setTimeout(resolve, 10));
}

async function reload(): Promise<{ status: number; detail: string | undefined }> {
  const init = { method: "POST", headers: { "x-request-id": "asked-1" } };
  const response = await fetch(`${daemon.url}/admin/models/m/reload`, init);
  return { status: response.status, detail: ((await response.json()) as { detail?: string }).detail };
}

const obstacle = () => join(daemon.folder, "fail");
const metrics = async () => (await fetch(`${daemon.url}/metrics`)).text();

it("logs a reload when it is asked for and when it is done, with the caller's request id", async () => {
  await start();
  expect((await reload()).status).toBe(200);
  const about = daemon.log.filter(({ requestId }) => requestId === "asked-1");
  expect(about.map(({ message, model }) => `${model}: ${message}`)).toEqual([
    "m: reload was asked for",
    "m: reload is done",
  ]);
  expect(about[1]?.tookMs).toEqual(expect.any(Number));
});

it("logs a reload that failed with its reason and that the old workers stay, and takes it for no crash", async () => {
  await start();
  writeFileSync(obstacle(), "");
  expect((await reload()).detail).toMatch(/the others go on as before: .*told to fail/);
  const failed = await daemon.logged(({ message }) => message === "reload failed: the old workers stay");
  expect(failed).toMatchObject({ model: "m", requestId: "asked-1", reason: expect.stringContaining("told to fail") });
  expect(daemon.log.some(({ message }) => message === "worker crashed")).toBe(false);
  const text = await metrics();
  expect(text).toMatch(/gatehouse_worker_load_failures_total\{model="m",code="LOAD_FAILED"\} 1/);
  expect(text).not.toMatch(/gatehouse_worker_crashes_total\{/);
});

it("says that nobody is left when a model that had failed does not load, and what to do", async () => {
  await start();
  writeFileSync(obstacle(), "");
  process.kill((await daemon.state()).models[0]?.workers[0]?.pid ?? 0, "SIGKILL");
  const first = await daemon.logged(({ message }) => message === "model is failed");
  expect(first.reason).toMatch(/mend it, then POST \/admin\/models\/m\/reload or restart the daemon\.$/);
  expect((await daemon.state()).models[0]?.reason).toBe(first.reason);
  expect((await reload()).detail).toMatch(/no other is ready: .*told to fail/);
  await daemon.logged(({ message }) => message === "reload failed: no worker is left, the model is failed");
  rmSync(obstacle());
  expect((await reload()).status).toBe(200);
});

it("logs a worker that is given up while others go on, which leaves the model ready", async () => {
  await start(2);
  const [, second] = (await daemon.state()).models[0]?.workers ?? [];
  process.kill(second?.pid ?? 0, "SIGKILL");
  const line = await daemon.logged(({ message }) => message === "worker is failed, the others go on");
  expect(line).toMatchObject({ model: "m", worker: 1, reason: expect.stringContaining("mend it") });
  expect((await daemon.state()).models[0]?.state).toBe("ready");
});

it("does not blame the start that follows a crash for it", async () => {
  daemon = await startDaemonInProcess(`[models.m]\nclass = "${fixture("telling.py", "Telling")}"`);
  await daemon.ready();
  process.kill((await daemon.state()).models[0]?.workers[0]?.pid ?? 0, "SIGKILL");
  await daemon.logged(({ message }) => message === "worker crashed");
  await daemon.ready();
  const starts = daemon.log.filter(({ message }) => message === "model is starting");
  expect(starts.map(({ reason }) => reason)).toEqual([undefined, undefined]);
});
