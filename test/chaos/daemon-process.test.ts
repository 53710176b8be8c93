import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AdminState, ECHO, fixture } from "../fixtures/daemon-in-process.ts";
import { freePort } from "../fixtures/free-port.ts";
import { markedProcesses } from "../fixtures/marked-processes.ts";
import { type Program, startProgram } from "../fixtures/program.ts";
import { until } from "../fixtures/until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Milliseconds for which the daemon waits at least for the last answers to reach their callers. */
const FAREWELL_MS = 1_000;

let folder: string;
let programs: Program[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
  programs = [];
});

afterEach(async () => {
  for (const program of programs) await program.stop("SIGKILL");
  rmSync(folder, { recursive: true });
});

interface StartOptions {
  readonly port: number;
  readonly model?: string;
  readonly settings?: string;
  readonly modelSettings?: string;
  readonly stdin?: "pipe";
  readonly env?: NodeJS.ProcessEnv;
}

/** The real program, its sockets under this test's own folder. */
function start({ port, model = ECHO, settings = "", modelSettings = "", stdin, env = {} }: StartOptions): Program {
  const config = join(folder, `${port}.toml`);
  const daemon = `[daemon]\nlisten = "127.0.0.1:${port}"\nsocket_dir = "${folder}/sockets"\n${settings}`;
  writeFileSync(config, `${daemon}\n[auth]\nmode = "none"\n[models.m]\nclass = "${model}"\n${modelSettings}`);
  const program = startProgram(
    process.execPath,
    ["--import", "tsx", join(root, "daemon/main.ts"), "--config", config],
    {
      cwd: root,
      env: { ...process.env, ...env },
      ...(stdin === undefined ? {} : { stdin }),
    },
  );
  programs.push(program);
  return program;
}

/** The processes whose command line names a socket under this test's folder. */
function workers(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${folder}/sockets`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A request's head with the body still to come, for a connection that ends with the answer. */
const uploadHead = (length: number) =>
  `POST /v1/infer/m HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

async function heldBytes(port: number): Promise<number> {
  const state = await fetch(`http://127.0.0.1:${port}/admin/state`);
  return ((await state.json()) as AdminState).bufferedBytes;
}

/** Takes what comes by pieces, so that all of 9 MB take at least so many milliseconds; gives the bytes that came. */
async function readSlowly(socket: Socket, leastMs: number): Promise<number> {
  const pauseMs = leastMs / (9_000_000 / 65_536);
  let bytes = 0;
  for await (const piece of socket) {
    bytes += (piece as Buffer).length;
    await new Promise((resolve) => setTimeout(resolve, (pauseMs * (piece as Buffer).length) / 65_536));
  }
  return bytes;
}

/** The exit code of a program that ends by itself. */
const ended = (program: Program) => program.stop("SIGCONT");

const post = (port: number, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${port}/v1/infer/m`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("a daemon that is killed with kill -9", () => {
  it("leaves no worker behind, its port free at once, and its folder to the next one to remove", async () => {
    const port = await freePort();
    const first = start({ port });
    await first.printed(/model is ready/);
    expect(workers().length).toBe(1);
    await first.stop("SIGKILL");
    const second = start({ port });
    await until(() => workers().length === 0 || second.output().includes("ready"));
    await second.printed(/model is ready/);
    expect(await (await post(port, 1)).json()).toBe(1);
    expect([workers().length, readdirSync(join(folder, "sockets")).length]).toEqual([1, 1]);
    expect(await second.stop()).toBe(0);
    expect([workers().length, readdirSync(join(folder, "sockets")).length]).toEqual([0, 0]);
  });

  it("leaves no worker behind that was in the middle of a call in C", async () => {
    const port = await freePort();
    const daemon = start({ port, model: fixture("misbehaving.py", "OnDemand") });
    await daemon.printed(/model is ready/);
    const begun = join(folder, "begun");
    const call = post(port, { do: "hang_in_c", announce: begun }).catch(() => undefined);
    await until(() => readdirSync(folder).includes("begun"));
    await daemon.stop("SIGKILL");
    await call;
    await until(() => workers().length === 0);
  });

  it("leaves nothing behind that a model has started, a pool, a program with a pipe or a child that ignores signals", async () => {
    const port = await freePort();
    const daemon = start({
      port,
      model: fixture("forking.py", "Forking"),
      modelSettings: `env = { MARK = "${folder}" }`,
    });
    await daemon.printed(/model is ready/);
    const started = (await (await post(port, 1)).json()) as number[];
    expect(started.length).toBe(5);
    expect(markedProcesses(`MARK=${folder}`)).toEqual(expect.arrayContaining(started));
    await daemon.stop("SIGKILL");
    await until(() => markedProcesses(`MARK=${folder}`).length === 0);
  });

  it("does not disturb another daemon beside it", async () => {
    const ports = [await freePort(), await freePort()] as const;
    const [one, other] = ports.map((port) => start({ port })) as [Program, Program];
    await Promise.all([one, other].map((program) => program.printed(/model is ready/)));
    await one.stop("SIGKILL");
    const third = start({ port: ports[0] });
    await third.printed(/model is ready/);
    expect(await (await post(ports[1], "still there")).json()).toBe("still there");
  });
});

describe("a daemon that is told to end", () => {
  it("is not ready at once, finishes what is in flight, refuses what is new, and exits 0", async () => {
    const port = await freePort();
    const daemon = start({ port, model: fixture("misbehaving.py", "OnDemand") });
    await daemon.printed(/model is ready/);
    const begun = join(folder, "begun");
    const inFlight = post(port, { do: "sleep", ms: 500, announce: begun });
    await until(() => readdirSync(folder).includes("begun"));
    daemon.child.kill("SIGTERM");
    await daemon.printed(/daemon drains/);
    const [ready, refused] = await Promise.all([fetch(`http://127.0.0.1:${port}/readyz`), post(port, 1)]);
    expect([ready.status, refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      503,
      503,
      "DRAINING",
    ]);
    expect((await inFlight).status).toBe(200);
    expect(await ended(daemon)).toBe(0);
  });

  it("answers what does not finish within drain_timeout_ms, and exits 0", async () => {
    const port = await freePort();
    const daemon = start({ port, model: fixture("misbehaving.py", "OnDemand"), settings: "drain_timeout_ms = 200" });
    await daemon.printed(/model is ready/);
    const begun = join(folder, "begun");
    const inFlight = post(port, { do: "hang_in_c", announce: begun });
    const waiting = post(port, 1);
    await until(() => readdirSync(folder).includes("begun"));
    daemon.child.kill("SIGTERM");
    const codes = await Promise.all(
      [inFlight, waiting].map(async (answer) => ((await (await answer).json()) as { code: string }).code),
    );
    expect(codes).toEqual(["DRAINING", "DRAINING"]);
    expect(await ended(daemon)).toBe(0);
    expect(workers()).toEqual([]);
  });

  it("answers an upload that is not whole", async () => {
    const port = await freePort();
    const daemon = start({ port });
    await daemon.printed(/model is ready/);
    const caller = createConnection({ port, host: "127.0.0.1" });
    const answer = text(caller);
    caller.write(`${uploadHead(1_000_000)}${"x".repeat(500_000)}`);
    await until(async () => (await heldBytes(port)) >= 500_000);
    daemon.child.kill("SIGTERM");
    expect(await answer).toMatch(/^HTTP\/1\.1 503 .*"code":"DRAINING"/s);
    expect(await ended(daemon)).toBe(0);
  });

  it("gives a slow reader the whole of its answer", async () => {
    const port = await freePort();
    const daemon = start({ port, model: fixture("streaming.py", "Large") });
    await daemon.printed(/model is ready/);
    const caller = createConnection({ port, host: "127.0.0.1" });
    caller.write(`${uploadHead(1)}1`);
    await until(async () => (await heldBytes(port)) > 5_000_000);
    daemon.child.kill("SIGTERM");
    await until(() => workers().length === 0);
    expect(await readSlowly(caller, 1.5 * FAREWELL_MS)).toBeGreaterThan(9_000_000);
    expect(await ended(daemon)).toBe(0);
  });

  it("ends at once at a second signal", async () => {
    const port = await freePort();
    const daemon = start({ port, model: fixture("misbehaving.py", "OnDemand") });
    await daemon.printed(/model is ready/);
    const begun = join(folder, "begun");
    const call = post(port, { do: "hang_in_c", announce: begun }).catch(() => undefined);
    await until(() => readdirSync(folder).includes("begun"));
    daemon.child.kill("SIGINT");
    await daemon.printed(/daemon drains/);
    expect(await daemon.stop("SIGINT")).toBe(1);
    await daemon.closed;
    const [drains, ends] = daemon.output().trim().split("\n").slice(-2);
    expect(JSON.parse(drains ?? "")).toMatchObject({ message: "daemon drains", because: "SIGINT", inFlight: 1 });
    expect(JSON.parse(ends ?? "")).toMatchObject({ message: "daemon ends at once", because: "SIGINT", dropped: 1 });
    await until(() => workers().length === 0);
    await call;
  });

  it("ends when whoever owns it is gone", async () => {
    const port = await freePort();
    const daemon = start({ port, stdin: "pipe", env: { GATEHOUSE_OWNED: "1" } });
    await daemon.printed(/model is ready/);
    daemon.child.stdin?.end();
    expect(await ended(daemon)).toBe(0);
    expect(workers()).toEqual([]);
  });
});

describe("a daemon whose log nobody reads", () => {
  it("goes on serving, and ends when it is told to", async () => {
    const port = await freePort();
    const daemon = start({ port, model: fixture("misbehaving.py", "OnDemand") });
    await daemon.printed(/model is ready/);
    daemon.child.stdout?.pause();
    // Each logs more than 200 bytes of its own, and a traceback: more than a pipe takes.
    const statuses = new Set<number>();
    for (let round = 0; round < 100; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => post(port, { do: "raise" })));
      for (const { status } of answers) statuses.add(status);
    }
    expect([...statuses]).toEqual([500]);
    daemon.child.kill("SIGTERM");
    const [code] = await once(daemon.child, "exit");
    expect(code).toBe(0);
  });
});

describe("a daemon that cannot start", () => {
  it("says in one sentence that its port is taken, and exits 1", async () => {
    const port = await freePort();
    const daemon = start({ port });
    await daemon.printed(/daemon is listening/);
    const second = start({ port });
    expect(await ended(second)).toBe(1);
    expect(second.output()).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${port} is taken by another process; choose another [^\n]+\\.\n$`),
    );
  });

  it("says in one sentence what is wrong with its configuration, and exits 1", async () => {
    const daemon = start({ port: await freePort(), settings: "max_bodybytes = 1" });
    expect(await ended(daemon)).toBe(1);
    expect(daemon.output()).toMatch(/: \[daemon\] has no setting "max_bodybytes"; did you mean "max_body_bytes"\?\n$/);
  });

  it("refuses a socket folder that others can write, and exits 1", async () => {
    mkdirSync(join(folder, "sockets"));
    chmodSync(join(folder, "sockets"), 0o777);
    const daemon = start({ port: await freePort() });
    expect(await ended(daemon)).toBe(1);
    expect(daemon.output()).toContain("can be written by others");
  });
});
