import { existsSync, lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type DaemonInProcess, ECHO, fixture, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";
import { markedProcesses } from "../../fixtures/marked-processes.ts";
import { until } from "../../fixtures/until.ts";
import { post, RawCaller } from "../http/raw-caller.ts";

/** pino's number for it. */
const ERROR = 50;

/** Longer than the daemon takes a worker that got a request for one that may still gather others. */
const CALL_BEGINS_MS = 10;

let daemon: DaemonInProcess | undefined;

afterEach(() => daemon?.[Symbol.asyncDispose]());

async function start(toml: string, env: NodeJS.ProcessEnv = {}): Promise<DaemonInProcess> {
  daemon = await startDaemonInProcess(toml, env);
  await daemon.ready();
  return daemon;
}

interface Told {
  readonly pid: number;
  readonly group: number;
  readonly environment: Record<string, string>;
}

const tell = async (from: DaemonInProcess, item: unknown = null) =>
  (await (await from.infer("m", item)).json()) as Told;

const reload = (from: DaemonInProcess) => fetch(`${from.url}/admin/models/m/reload`, { method: "POST" });

it("gives a worker a group of its own, the allowed part of the environment, and the model's env", async () => {
  const { environment, pid, group } = await tell(
    await start(
      `[models.m]\nclass = "${fixture("telling.py", "Telling")}"\nenv = { GREETING = "hello", LANG = "C.UTF-8" }`,
      {
        DATABASE_URL: "postgres://secret",
        SIGNING_KEYS: "secret",
        NODE_OPTIONS: "",
        OMP_NUM_THREADS: "1",
      },
    ),
  );
  expect(group).toBe(pid);
  expect(environment).toMatchObject({ GREETING: "hello", LANG: "C.UTF-8", OMP_NUM_THREADS: "1" });
  expect(JSON.stringify(environment)).not.toContain("secret");
  expect(environment).not.toHaveProperty("NODE_OPTIONS");
});

it("ends what a model has started together with its worker, however that ends", async () => {
  const running = await start(`[models.m]\nclass = "${fixture("forking.py", "Forking")}"\nenv = { MARK = "{FOLDER}" }`);
  const mark = `MARK=${running.folder}`;
  const first = (await (await running.infer("m", 1)).json()) as number[];
  const worker = (await running.state()).models[0]?.workers[0]?.pid ?? 0;
  process.kill(worker, "SIGKILL");
  await running.logged(({ message }) => message === "worker crashed");
  await until(async () => first.every((pid) => !markedProcesses(mark).includes(pid)));
  await running.ready();
  const second = (await (await running.infer("m", 1)).json()) as number[];
  await running.daemon.stop();
  expect([first.length, second.length, markedProcesses(mark)]).toEqual([5, 5, []]);
});

it("keeps its sockets in a fresh folder with mode 0700, and removes it", async () => {
  const running = await start(
    `[daemon]\nsocket_dir = "{FOLDER}/s"\n[models.m]\nclass = "${fixture("misbehaving.py", "SlowToLoad")}"`,
  );
  const [folder = ""] = readdirSync(join(running.folder, "s"));
  const path = join(running.folder, "s", folder);
  expect(lstatSync(path).mode & 0o777).toBe(0o700);
  // The worker removes its socket once the daemon has connected: nobody else ever can.
  expect(readdirSync(path).filter((name) => name.endsWith(".sock"))).toEqual([]);
  await running.daemon.stop();
  expect(existsSync(path)).toBe(false);
});

it("shares devices out to the workers by turns", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("telling.py", "Telling")}"\nworkers = 3\ndevices = ["0", "1"]`,
  );
  const seen = new Map<number, string | undefined>();
  await until(async () => {
    const told = await Promise.all([1, 2, 3].map(() => tell(running, { ms: 50 })));
    for (const { pid, environment } of told) seen.set(pid, environment.CUDA_VISIBLE_DEVICES);
    return seen.size === 3;
  });
  expect([...seen.values()].sort()).toEqual(["0", "0", "1"]);
});

it("serves with the workers that are left while one is replaced", async () => {
  const running = await start(`[models.m]\nclass = "${fixture("telling.py", "Telling")}"\nworkers = 2`);
  await until(async () => (await running.state()).models[0]?.workers.every(({ state }) => state === "ready") === true);
  process.kill((await tell(running)).pid, "SIGKILL");
  const answers = await Promise.all(Array.from({ length: 50 }, () => running.infer("m", null)));
  expect(answers.every(({ status }) => status === 200 || status === 502)).toBe(true);
  expect((await fetch(`${running.url}/readyz`)).status).toBe(200);
});

it("reloads worker by worker without losing a request or an event of a stream", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("misbehaving.py", "OnDemand")}"\nworkers = 2\nmax_queue = 1000`,
  );
  await until(async () => (await running.state()).models[0]?.workers.every(({ state }) => state === "ready") === true);
  const before = (await running.state()).models[0]?.workers.map(({ pid }) => pid);
  const statuses: number[] = [];
  let reloaded: Response | undefined;
  const load = async () => {
    while (reloaded === undefined) statuses.push((await running.infer("m", { do: "sleep", ms: 3 })).status);
  };
  const streams: string[] = [];
  const loadStreams = async () => {
    const headers = { accept: "text/event-stream" };
    while (reloaded === undefined)
      streams.push(await (await running.infer("m", { events: 20, gap_ms: 1 }, { headers })).text());
  };
  const loads = [load(), load(), load(), loadStreams(), loadStreams()];
  reloaded = await reload(running);
  await Promise.all(loads);
  const after = (await running.state()).models[0]?.workers.map(({ pid }) => pid);
  expect(reloaded.status).toBe(200);
  expect(statuses.length).toBeGreaterThan(10);
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(new Set(streams)).toEqual(new Set([Array.from({ length: 20 }, (_, index) => `data: ${index}\n\n`).join("")]));
  expect(after?.some((pid) => before?.includes(pid))).toBe(false);
  await until(async () => before?.every((pid) => !isAlive(pid ?? 0)) === true);
});

it("keeps the old worker when the fresh one does not load, and says why", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("telling.py", "LoadsUnless")}"\nenv = { FAIL_WHILE = "{FOLDER}/fail" }`,
  );
  const { pid } = await tell(running);
  writeFileSync(join(running.folder, "fail"), "");
  const response = await reload(running);
  expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([
    503,
    expect.stringContaining("told to fail"),
  ]);
  expect((await tell(running)).pid).toBe(pid);
});

it("tries again when loading fails after a crash, although it had loaded before", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("telling.py", "LoadsUnless")}"\nenv = { FAIL_WHILE = "{FOLDER}/fail" }`,
  );
  const { pid } = await tell(running);
  const obstacle = join(running.folder, "fail");
  writeFileSync(obstacle, "");
  process.kill(pid, "SIGKILL");
  await running.logged(({ message, code }) => message === "worker did not load its model" && code === "LOAD_FAILED");
  rmSync(obstacle);
  await running.ready();
  expect((await tell(running)).pid).not.toBe(pid);
});

it("fails a model that crashes more often than its budget, says why, and serves the others", async () => {
  const running = await start(`
    [models.m]
    class = "${fixture("misbehaving.py", "OnDemand")}"
    max_restarts = 1
    [models.echo]
    class = "${ECHO}"
  `);
  for (let crash = 0; crash < 2; crash++) {
    await running.ready();
    expect((await running.infer("m", { do: "exit", code: 3 })).status).toBe(502);
  }
  await running.logged(({ message, model }) => model === "m" && message === "model is failed");
  const refused = await running.infer("m", 1);
  const readyz = await fetch(`${running.url}/readyz`);
  const { models } = (await readyz.json()) as { models: { reason: string }[] };
  expect([refused.status, readyz.status, models[0]?.reason]).toEqual([503, 503, "Its workers ended too often."]);
  expect((await running.infer("echo", 1)).status).toBe(200);
  expect((await reload(running)).status).toBe(200);
  expect((await running.infer("m", 1)).status).toBe(200);
});

it("fails a model that does not load, with its last lines for the log and the admin alone", async () => {
  daemon = await startDaemonInProcess(
    `[models.m]\nclass = "${fixture("misbehaving.py", "LoadExits")}"\nmax_restarts = 0`,
  );
  await daemon.logged(({ message }) => message === "model is failed");
  const readyz = await (await fetch(`${daemon.url}/readyz`)).text();
  expect(readyz).toContain("Its workers ended too often.");
  expect(readyz).not.toContain("exit");
  const [model] = (await daemon.state()).models;
  expect([model?.reason, model?.workers[0]?.lastLines]).toEqual([
    "It crashed more often than max_restarts (0) allows; the last time: The worker exited with code 3. " +
      "It is not started again: mend it, then POST /admin/models/m/reload or restart the daemon.",
    ["about to exit"],
  ]);
});

it("fails a model that does not load in time", async () => {
  daemon = await startDaemonInProcess(
    `[models.m]\nclass = "${fixture("misbehaving.py", "LoadHangs")}"\nload_timeout_ms = 1500`,
  );
  const { reason } = await daemon.logged(({ message }) => message === "model is failed");
  expect(reason).toContain("load_timeout_ms (1500 ms)");
});

it("replaces a worker whose check_health raises, while it is idle", async () => {
  const running = await start(`
    [models.m]
    class = "${fixture("telling.py", "Unwell")}"
    env = { FAIL_WHILE = "{FOLDER}/fail" }
    health_interval_ms = 50
  `);
  const { pid } = await tell(running);
  const obstacle = join(running.folder, "fail");
  writeFileSync(obstacle, "");
  const crash = await running.logged(({ message }) => message === "worker crashed");
  rmSync(obstacle);
  expect([crash.code, crash.reason]).toEqual(["UNHEALTHY", expect.stringContaining("too warm")]);
  await running.ready();
  expect((await tell(running)).pid).not.toBe(pid);
});

it("never kills a worker for a caller's short deadline, departure or stalled upload", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("telling.py", "Telling")}"\ntimeout_ms = 4000\nhealth_interval_ms = 50`,
  );
  const { pid } = await tell(running);
  const late = await running.infer("m", { ms: 500 }, { headers: { "x-request-timeout-ms": "20" } });
  const leaver = new AbortController();
  const left = running.infer("m", { ms: 1_500 }, { signal: leaver.signal }).catch(() => "left");
  await until(async () => (await running.state()).models[0]?.unsettled === 1);
  leaver.abort();
  const staller = await RawCaller.connect(running.port);
  staller.write(post("m", "1", { "content-length": "1000", "x-request-timeout-ms": "20" }));
  expect([late.status, await left]).toEqual([504, "left"]);
  expect(await staller.saw(/DEADLINE_EXCEEDED/)).toMatch(/^HTTP\/1\.1 504 /);
  expect((await tell(running)).pid).toBe(pid);
});

it("never kills a worker that is busy within its model's timeout, although code in C keeps it from answering pings", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("misbehaving.py", "OnDemand")}"\ntimeout_ms = 5000\nhealth_interval_ms = 50`,
  );
  // Longer than an idle worker may take for a pong.
  const answer = await running.infer("m", { do: "hang_in_c", seconds: 3 });
  const [model] = (await running.state()).models;
  expect([answer.status, model?.workers[0]?.restarts, model?.workers[0]?.state]).toEqual([200, 0, "ready"]);
});

it("logs a traceback line by line as an error, and the reason as one sentence", async () => {
  daemon = await startDaemonInProcess(
    `[models.m]\nclass = "${fixture("misbehaving.py", "LoadRaises")}"\nmax_restarts = 0`,
  );
  const failed = await daemon.logged(({ message }) => message === "model is failed");
  expect(failed.reason).toMatch(/^RuntimeError: the weights are missing\. It is not started again: mend it/);
  const lines = daemon.log.filter(({ stream }) => stream === "stderr");
  expect(lines.map(({ message }) => message)).toEqual(
    expect.arrayContaining(["Traceback (most recent call last):", "RuntimeError: the weights are missing"]),
  );
  expect(new Set(lines.map(({ level }) => level))).toEqual(new Set([ERROR]));
});

it("logs and counts the crash of a worker that is being replaced", async () => {
  const running = await start(`[models.m]\nclass = "${fixture("misbehaving.py", "OnDemand")}"`);
  const begun = join(running.folder, "begun");
  const call = running.infer("m", { do: "sleep", ms: 10_000, announce: begun });
  await until(async () => existsSync(begun));
  const [old] = (await running.state()).models[0]?.workers ?? [];
  expect((await reload(running)).status).toBe(200);
  process.kill(old?.pid ?? 0, "SIGKILL");
  expect((await call).status).toBe(502);
  const crash = await running.logged(({ message }) => message === "worker crashed");
  expect(crash.reason).toBe("The worker was ended by SIGKILL.");
  expect(await (await fetch(`${running.url}/metrics`)).text()).toMatch(
    /gatehouse_worker_crashes_total\{model="m",code="EXITED"\} 1/,
  );
});

it("lets a worker shout without flooding the log", async () => {
  const running = await start(`[models.m]\nclass = "${fixture("misbehaving.py", "OnDemand")}"`);
  expect((await running.infer("m", { do: "shout", bytes: 1_000_000 })).status).toBe(200);
  await running.infer("m", 1);
  await running.daemon.stop();
  const lines = running.log.filter(({ stream }) => stream !== undefined);
  expect(Math.max(...lines.map(({ message }) => message.length))).toBeLessThanOrEqual(8_192);
  expect(lines.length).toBeLessThan(1_000);
  expect(lines.some(({ message }) => /lines left out/.test(message))).toBe(true);
});

it("keeps a request for whichever worker is free first while all are in a call, and sends it again if none had begun it", async () => {
  const running = await start(
    `[models.m]\nclass = "${fixture("misbehaving.py", "OnDemand")}"\nworkers = 2\nmax_batch = 8`,
  );
  await until(async () => (await running.state()).models[0]?.workers.every(({ state }) => state === "ready") === true);
  const ask = async (name: string): Promise<Response[]> => {
    const announce = join(running.folder, `${name} began`);
    const answered: Response[] = [];
    void running.infer("m", { do: "wait", announce, until: join(running.folder, name) }).then((answer) => {
      answered.push(answer);
    });
    await until(async () => existsSync(announce));
    return answered;
  };
  const first = await ask("first");
  const second = await ask("second");
  const begun = performance.now();
  await until(async () => performance.now() - begun > CALL_BEGINS_MS);
  const others = Promise.all([1, 2, 3].map((n) => running.infer("m", { do: "echo", n })));
  await until(async () => (await running.state()).models[0]?.unsettled === 5);
  expect((await running.state()).models[0]?.waiting).toBe(3);

  // Whoever is free takes them, and who is not does not lose them: a worker that is killed had none.
  const workers = (await running.state()).models[0]?.workers.map(({ pid }) => pid ?? 0) ?? [];
  process.kill(workers[0] ?? 0, "SIGKILL");
  await until(async () => first.length + second.length === 1);
  writeFileSync(join(running.folder, first.length === 1 ? "second" : "first"), "");
  expect((await others).map(({ status }) => status)).toEqual([200, 200, 200]);
  await until(async () => first.length + second.length === 2);
  expect([first[0]?.status, second[0]?.status].sort()).toEqual([200, 502]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
