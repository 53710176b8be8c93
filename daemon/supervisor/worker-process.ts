import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../clock.ts";
import { WorkerError } from "../errors.ts";
import { connect } from "../transport/connect.ts";
import { UdsConnection } from "../transport/uds-connection.ts";
import type { Ready } from "../wire/messages.ts";
import type { GroupGuard } from "./group-guard.ts";
import { HealthCheck, LEAVE_MS } from "./health-check.ts";
import { LogLines } from "./log-lines.ts";
import { LineLevels } from "./output-line.ts";
import { signalGroup, terminate } from "./terminate.ts";
import { workerEnvironment } from "./worker-environment.ts";
import type { LaunchWorker, WorkerLife, WorkerLifeListener } from "./worker-life.ts";
import { callBeginsMs, type WorkerPlatform, type WorkerSettings } from "./worker-settings.ts";

/** Milliseconds after a process's exit in which its socket and its output are still read. */
const AFTERMATH_MS = 250;

/** Milliseconds between SIGTERM and SIGKILL for a process whose connection has ended and that has not exited by itself. */
const TERM_GRACE_MS = 1_000;

export interface LauncherOptions {
  readonly platform: WorkerPlatform;
  readonly clock: Clock;
  /** Ends the workers' groups when we cannot. */
  readonly guard: Pick<GroupGuard, "watch" | "release">;
  /** A path for a socket that nobody had before. */
  readonly nextSocketPath: () => string;
}

/** Launches workers as real processes. */
export function createLauncher(options: LauncherOptions): LaunchWorker {
  return (settings, index, listener) => {
    try {
      return new WorkerProcess(settings, index, listener, options);
    } catch (cause) {
      // Some failures of a spawn are thrown, and the folder for the socket may be gone for good.
      const end = {
        reason: spawnError(cause as NodeJS.ErrnoException),
        wasReady: false,
        readyForMs: 0,
        stderrTail: [],
      };
      options.clock.after(0, () => listener.onEnded(end));
      return STILLBORN;
    }
  };
}

const STILLBORN: WorkerLife = { pid: undefined, drain: () => undefined, kill: () => undefined };

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One worker process from its spawn to its end: its socket, its health, its output. */
class WorkerProcess implements WorkerLife {
  readonly pid: number | undefined;
  private readonly child: ChildProcess;
  private readonly stdout: LogLines;
  private readonly stderr: LogLines;
  private readonly gone = new AbortController();
  private connection: UdsConnection | undefined;
  private health: HealthCheck | undefined;
  /** Runs while the process has something to do in a given time: load, or exit. */
  private patience: Timer;
  /** Why it ended, as its connection told or as we decided. */
  private reason: WorkerError | undefined;
  /** How it exited: tells less, and often before what it wrote to its socket is read. */
  private exit: Exit | undefined;
  private readyAt: number | undefined;
  private draining = false;
  /** Told to drain, it owed nothing when its connection ended. */
  private drained = false;
  private hasEnded = false;
  private openOutputs = 2;

  constructor(
    private readonly settings: WorkerSettings,
    index: number,
    private readonly listener: WorkerLifeListener,
    private readonly options: LauncherOptions,
  ) {
    const { platform, clock } = options;
    const nonce = randomBytes(32).toString("hex");
    const socketPath = options.nextSocketPath();
    this.child = spawn(platform.python, workerArguments(settings, platform, socketPath), {
      // A group of its own: a Ctrl-C at the terminal is the daemon's to act on, and what a model starts ends with it.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: workerEnvironment(settings, platform, { index, nonce }),
    });
    this.pid = this.child.pid;
    this.stdout = this.follow("stdout");
    this.stderr = this.follow("stderr");
    this.patience = clock.after(settings.loadTimeoutMs, () => this.kill(loadTimeout(settings.loadTimeoutMs)));
    this.child.stdin?.on("error", () => undefined);
    this.child.once("error", (cause) => this.onSpawnError(cause));
    this.child.once("exit", (code, signal) => this.onExit(code, signal));
    if (this.pid === undefined) return;
    options.guard.watch(this.pid);
    void this.open(socketPath, nonce);
  }

  drain(): void {
    if (this.draining || this.exit !== undefined) return;
    this.draining = true;
    if (this.connection === undefined || this.readyAt === undefined)
      this.kill(new WorkerError("STOPPED", "The worker was stopped."));
    else this.connection.drain();
  }

  kill(reason: WorkerError, graceMs = 0): void {
    this.reason ??= reason;
    this.health?.stop();
    this.patience.cancel();
    void terminate(this.child, graceMs, this.options.clock);
  }

  private async open(path: string, nonce: string): Promise<void> {
    const { clock, platform } = this.options;
    const timeoutMs = this.settings.loadTimeoutMs;
    try {
      const socket = await connect({ path, timeoutMs, clock, signal: this.gone.signal });
      this.connection = new UdsConnection(socket, {
        id: `${this.settings.name}:${this.pid}`,
        nonce,
        maxFrameBytes: platform.maxFrameBytes,
        clock,
        callBeginsMs: callBeginsMs(this.settings),
        listener: {
          onHello: () => this.listener.onLoading(),
          onReady: (ready) => this.onReady(ready),
          onHealth: (health) => {
            if (health.status === "failed") this.listener.onUnhealthy(new WorkerError("UNHEALTHY", health.message));
          },
          onClosed: (reason) => this.onConnectionClosed(reason),
        },
      });
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      if (this.exit === undefined) this.kill(error);
    }
  }

  private onReady(ready: Ready): void {
    const { clock } = this.options;
    const connection = this.connection;
    if (connection === undefined || this.reason !== undefined) return;
    this.patience.cancel();
    this.readyAt = clock.now();
    this.health = new HealthCheck({
      connection,
      limits: this.settings,
      hasCheck: ready.methods.includes("check_health"),
      clock,
      onUnresponsive: (error) => this.kill(error),
    });
    this.listener.onReady(connection, ready);
  }

  private onConnectionClosed(reason: WorkerError | undefined): void {
    this.health?.stop();
    this.drained = reason === undefined;
    if (reason !== undefined && reason.code !== "EXITED") this.reason ??= reason;
    this.connection = undefined;
    if (this.exit !== undefined) {
      this.finish();
      return;
    }
    // Most often the process is exiting, and its exit says more than its socket's end.
    this.patience.cancel();
    this.patience = this.options.clock.after(this.drained ? LEAVE_MS : AFTERMATH_MS, () => {
      if (!this.drained) this.reason ??= reason;
      void terminate(this.child, TERM_GRACE_MS, this.options.clock);
    });
  }

  private onSpawnError(cause: Error): void {
    if (this.pid !== undefined) return;
    this.reason = spawnError(cause);
    this.end();
  }

  private onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.exit = { code, signal };
    this.gone.abort();
    this.patience.cancel();
    this.health?.stop();
    signalGroup(this.child, "SIGKILL");
    if (this.pid !== undefined) this.options.guard.release(this.pid);
    this.options.clock.after(AFTERMATH_MS, () => {
      this.drained ||= this.connection?.drained === true;
      this.connection?.destroy(new WorkerError("EXITED", "The worker has exited."));
      this.end();
    });
    this.finish();
  }

  /** Ends the life as soon as nothing more can come from it. */
  private finish(): void {
    if (this.exit !== undefined && this.connection === undefined && this.openOutputs === 0) this.end();
  }

  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.patience.cancel();
    this.child.stdin?.destroy();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    this.stdout.end();
    this.stderr.end();
    const readyForMs = this.readyAt === undefined ? 0 : this.options.clock.now() - this.readyAt;
    this.listener.onEnded({
      reason: this.reason ?? this.exitReason(),
      readyForMs,
      wasReady: this.readyAt !== undefined,
      stderrTail: this.stderr.tail,
    });
  }

  /** Undefined when it left as it was told to. Asked at the end: its exit and its socket's end are seen in either order. */
  private exitReason(): WorkerError | undefined {
    const { exit } = this;
    if (exit === undefined || (this.drained && exit.code === 0)) return undefined;
    const { code, signal } = exit;
    const message = signal === null ? `The worker exited with code ${code}.` : `The worker was ended by ${signal}.`;
    return new WorkerError("EXITED", message);
  }

  private follow(stream: "stdout" | "stderr"): LogLines {
    const levels = new LineLevels();
    const lines = new LogLines({
      clock: this.options.clock,
      levelOf: (text) => (stream === "stdout" ? "info" : levels.next(text)),
      onLine: (text, level) => this.listener.onLine({ stream, level, text }),
      onDropped: (count) => {
        this.listener.onLine({ stream, level: "warn", text: `(${count} lines left out: too many a second)` });
      },
    });
    const output = this.child[stream];
    output?.on("data", (chunk: Buffer) => lines.push(chunk));
    output?.on("error", () => undefined);
    output?.once("close", () => {
      this.openOutputs--;
      this.finish();
    });
    return lines;
  }
}

function workerArguments(settings: WorkerSettings, platform: WorkerPlatform, socketPath: string): string[] {
  const flags = {
    socket: socketPath,
    model: settings.name,
    class: settings.classSpec,
    concurrency: settings.concurrency,
    "max-batch": settings.maxBatch,
    "max-wait-ms": settings.maxWaitMs,
    "timeout-ms": settings.timeoutMs,
    "max-frame-bytes": platform.maxFrameBytes,
  };
  return ["-m", "gatehouse_worker", ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])];
}

function loadTimeout(ms: number): WorkerError {
  return new WorkerError("LOAD_TIMEOUT", `The model was not ready within load_timeout_ms (${ms} ms).`);
}

/** Codes of a spawn that no second try makes better: no interpreter, or arguments and an environment too big for any process. */
const FINAL_SPAWN_CODES: ReadonlySet<string | undefined> = new Set(["ENOENT", "EACCES", "ENOTDIR", "E2BIG"]);

/** A machine that is out of processes, descriptors or memory may recover. */
function spawnError(cause: NodeJS.ErrnoException): WorkerError {
  const isFinal = FINAL_SPAWN_CODES.has(cause.code);
  const message = `The worker's process could not be started: ${cause.message}`;
  return new WorkerError(isFinal ? "SPAWN_FAILED" : "SPAWN_BUSY", message, { cause });
}
