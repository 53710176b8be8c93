import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { BUNDLE } from "../../src/cli/set-up/programs.mjs";
import type { AdminState } from "../fixtures/daemon-in-process.ts";
import { freePort } from "../fixtures/free-port.ts";
import { startProgram } from "../fixtures/program.ts";
import type { Holdings } from "../fixtures/programs/watched-daemon.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = fileURLToPath(new URL("../fixtures/programs/watched-daemon.ts", import.meta.url));

/** In the checkout, so that it finds its packages. */
const cache = join(root, "node_modules", ".cache");

export interface LogLine {
  readonly time: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** The real daemon in a process of its own, that tells what it holds. */
export interface WatchedDaemon extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** A folder of this daemon's own, gone with it; `orders` and `sockets` are in it. */
  readonly folder: string;
  readonly log: readonly LogLine[];
  /** Resolves with the first line that fits, also one that was there before. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  state(): Promise<AdminState>;
  /** Requests that were settled so far, by outcome, as /metrics counts them. */
  settled(): Promise<ReadonlyMap<string, number>>;
  /** Timers that are set, as /metrics counts them. */
  timers(): Promise<number>;
  holdings(): Promise<Holdings>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Starts it with the models that `toml` says, in which `{FOLDER}` is its folder. Resolves when it listens. */
export async function startWatchedDaemon(toml: string, env: NodeJS.ProcessEnv = {}): Promise<WatchedDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-chaos-"));
  mkdirSync(join(folder, "orders"));
  const config = join(folder, "models.toml");
  const url = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(
    config,
    `[daemon]\nlisten = "${new URL(url).host}"\nsocket_dir = "${folder}/sockets"\n[auth]\nmode = "none"\n` +
      toml.replaceAll("{FOLDER}", folder),
  );
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  const lines = new LineSplitter((line) => {
    if (!line.startsWith("{")) return;
    log.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const { child, closed, output } = startProgram(process.execPath, ["--no-warnings", await bundled(), config], {
    cwd: root,
    env: { ...process.env, ...env },
    ipc: true,
    onOutput: (text) => lines.push(text),
  });
  const logged = (fits: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = () => {
        const line = log.find(fits);
        if (line === undefined) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
      void closed.then((code) => reject(new Error(`the daemon ended with ${code}:\n${output()}`)));
    });
  await logged(({ message }) => message === "daemon is listening");
  return {
    url,
    pid: child.pid ?? 0,
    folder,
    log,
    logged,
    state: async () => (await (await get(`${url}/admin/state`)).json()) as AdminState,
    settled: async () => readCounts(await (await get(`${url}/metrics`)).text()),
    timers: async () => Number(/^gatehouse_timers (\d+)$/m.exec(await (await get(`${url}/metrics`)).text())?.[1]),
    async holdings() {
      const answer = once(child, "message");
      child.send("holdings");
      const [holdings] = await answer;
      return holdings as Holdings;
    },
    async stop() {
      child.kill("SIGTERM");
      return closed;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let program: Promise<string> | undefined;

/** The program as one file, made once: starting it from its sources would cost each cell half a second. */
function bundled(): Promise<string> {
  program ??= bundle();
  return program;
}

async function bundle(): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "watched-daemon-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "watched-daemon.mjs");
  await build({ ...BUNDLE, entryPoints: [source], outfile });
  return outfile;
}

/** On a connection that ends with the answer: what stays open would count as the daemon's. */
function get(url: string): Promise<Response> {
  return fetch(url, { headers: { connection: "close" } });
}

/** Over all models. */
function readCounts(metrics: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, outcome = "", count] of metrics.matchAll(/^gatehouse_requests_total\{.*outcome="([^"]+)"\} (\d+)$/gm))
    counts.set(outcome, (counts.get(outcome) ?? 0) + Number(count));
  return counts;
}

class LineSplitter {
  private rest = "";

  constructor(private readonly onLine: (line: string) => void) {}

  push(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.onLine(line);
  }
}
