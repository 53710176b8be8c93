import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AUDIENCE, createTokenIssuer, ISSUER } from "../../fixtures/access-token.ts";
import { freePort } from "../../fixtures/free-port.ts";
import { type Program, startProgram } from "../../fixtures/program.ts";
import { benchPython } from "./bench-python.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const peer = (file: string) => fileURLToPath(new URL(`../peers/${file}`, import.meta.url));

export interface Server {
  readonly port: number;
  readonly echoPath: string;
  readonly streamPath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Resident bytes of the process that speaks HTTP. */
  residentBytes(): number;
  stop(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Whether it has a stream to measure. */
  readonly streams: boolean;
  start(): Promise<Server>;
}

export const RAW: Contender = {
  name: "raw bridge, model thread",
  streams: true,
  start: () => startPeer(process.execPath, (port) => [peer("raw-bridge.mjs"), benchPython(), String(port)], "/"),
};

export const GATEHOUSE: Contender = {
  name: "gatehouse, JSON",
  streams: true,
  start: () => startGatehouse("echo_model.py"),
};

export const GATEHOUSE_BYTES: Contender = {
  name: "gatehouse, bytes",
  streams: false,
  start: () => startGatehouse("bytes_model.py"),
};

export const FASTAPI: Contender = {
  name: "FastAPI on uvicorn",
  streams: true,
  start: () => startPeer(benchPython(), (port) => [peer("fastapi_echo.py"), String(port)]),
};

export const MOSEC: Contender = {
  name: "mosec",
  streams: true,
  start: () =>
    startPeer(benchPython(), (port) => [
      peer("mosec_echo.py"),
      "--address=127.0.0.1",
      `--port=${port}`,
      "--log-level=warning",
      "--max-body-size=67108864",
      "--timeout=60000",
    ]),
};

export const LITSERVE: Contender = {
  name: "LitServe",
  streams: true,
  start: () => startPeer(benchPython(), (port) => [peer("litserve_echo.py"), String(port)]),
};

async function startPeer(command: string, args: (port: number) => readonly string[], path?: string): Promise<Server> {
  const port = await freePort();
  const program = startProgram(command, args(port), { detached: true });
  await accepts(port);
  return {
    port,
    echoPath: path ?? "/echo",
    streamPath: path ?? "/stream",
    headers: { "content-type": "application/json" },
    residentBytes: () => residentBytes(program),
    stop: () => stopGroup(program),
  };
}

async function startGatehouse(model: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const issuer = await createTokenIssuer(folder);
  const port = await freePort();
  const config = join(folder, "models.toml");
  writeFileSync(
    config,
    `[daemon]\nlisten = "127.0.0.1:${port}"\n` +
      `[auth]\njwks = "${issuer.jwksPath}"\nissuer = "${ISSUER}"\naudience = "${AUDIENCE}"\n` +
      `[models.echo]\nclass = "${peer(model)}:Echo"\nmax_batch = 32\n`,
  );
  const program = startProgram(
    process.execPath,
    ["--import", "tsx", join(root, "daemon/main.ts"), "--config", config],
    {
      detached: true,
    },
  );
  await program.printed(/model is ready/);
  const headers = { "content-type": "application/json", authorization: `Bearer ${await issuer.sign()}` };
  return {
    port,
    echoPath: "/v1/infer/echo",
    streamPath: "/v1/infer/echo",
    headers,
    residentBytes: () => residentBytes(program),
    stop: async () => {
      await program.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

function residentBytes({ child }: Program): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"));
  return Number(match?.[1]) * 1_024;
}

/** Milliseconds a peer has to tidy up after itself. */
const TIDY_UP_MS = 1_000;

/** The peers leave processes behind when their parent ends: after SIGTERM the whole group goes. */
async function stopGroup(program: Program): Promise<void> {
  const { pid } = program.child;
  const ended = program.stop("SIGTERM");
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, TIDY_UP_MS))]);
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
  await ended;
}

/** Resolves once somebody listens on the port. */
async function accepts(port: number): Promise<void> {
  for (;;) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ port, host: "127.0.0.1" });
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
