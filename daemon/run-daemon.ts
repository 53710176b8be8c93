import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ByteBudget } from "./bridge/byte-budget.ts";
import { systemClock } from "./clock.ts";
import { type AuthSettings, type Config, isLoopback, loadConfig } from "./config.ts";
import { StartError } from "./errors.ts";
import { adminRoutes } from "./http/admin.ts";
import { type Authenticate, createAuthenticate } from "./http/authenticate.ts";
import { healthRoutes } from "./http/health.ts";
import { inferRoute } from "./http/infer.ts";
import { authenticateNobody } from "./http/local-caller.ts";
import { metricsRoute } from "./http/metrics.ts";
import { modelsRoute } from "./http/models.ts";
import { type HttpServer, listen, type RouteGroup } from "./http/server.ts";
import type { TokenTrouble } from "./http/token-trouble.ts";
import type { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { OnceASecond } from "./once-a-second.ts";
import { RequestLog } from "./request-log.ts";
import { type ModelService, serveModel } from "./serve-model.ts";
import { shutDown, stopAtOnce } from "./shut-down.ts";
import { GroupGuard } from "./supervisor/group-guard.ts";
import { createLauncher } from "./supervisor/worker-process.ts";
import { createSocketFolder } from "./transport/socket-path.ts";
import { MAX_FRAME_BYTES } from "./wire/limits.ts";

const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));

export interface DaemonOptions {
  readonly configPath: string;
  /** `process.env` unless given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly log: Log;
}

export interface RunningDaemon {
  /** Where it listens, as http://host:port. */
  readonly url: string;
  /** Where `/metrics` answers without a token, if the configuration says so. */
  readonly metricsUrl: string | undefined;
  /** Graceful: lets what is in flight finish, up to `drain_timeout_ms` or `drainTimeoutMs`; `because` is for the log. Calling it again changes nothing. */
  stop(drainTimeoutMs?: number, because?: string): Promise<void>;
  /** Ends everything now. */
  stopNow(because?: string): void;
}

/**
 * Starts the daemon: resolves when it listens, while its models load (`/readyz` says when they are ready).
 * Rejects with StartError, whose message is one sentence for whoever started it; then nothing is left behind.
 */
export async function runDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const env = options.env ?? process.env;
  const config = loadConfig(options.configPath, env);
  const { log } = options;
  const python = findPython(env);
  const onceASecond = new OnceASecond(systemClock);
  const requestLog = new RequestLog({ log, clock: systemClock, onceASecond });
  const authenticate = createAuthenticator(config.auth, log, onceASecond);
  const folder = await createSocketFolder(config.daemon.socketDir);
  const budget = createBudget(config);
  const metrics = new Metrics({ bufferedBytes: () => budget.heldBytes, timers: () => systemClock.pending });
  const guard = new GroupGuard({
    clock: systemClock,
    onMissing: (err) =>
      log.warn({ err }, "what models start may outlive this daemon: its group guard cannot be started"),
  });
  const launch = createLauncher({
    clock: systemClock,
    guard,
    nextSocketPath: folder.next,
    platform: { python, pythonPath: [`${CHECKOUT}python/src`, config.folder], env, maxFrameBytes: MAX_FRAME_BYTES },
  });
  const models = config.models.map((settings) =>
    serveModel({
      settings,
      maxCallerRequests: config.daemon.maxCallerRequests,
      launch,
      clock: systemClock,
      random: Math.random,
      log,
      metrics,
    }),
  );
  const state = { draining: false };
  const servers: HttpServer[] = [];
  try {
    await listenAll({ config, authenticate, models, budget, metrics, requestLog, state, servers });
  } catch (error) {
    for (const server of servers) await server.close();
    folder.remove();
    throw error;
  }
  for (const model of models) model.start();
  const [server, metricsServer] = servers;
  const url = server?.url ?? "";
  log.info({ url, models: models.map(({ name }) => name) }, "daemon is listening");
  if (config.auth.mode === "none")
    log.warn('mode = "none" in [auth]: every program that reaches the port is let in and may do everything');
  const parts = { models, servers, folder, guard, log, onceASecond, state };
  let stopping: Promise<void> | undefined;
  return {
    url,
    metricsUrl: metricsServer?.url,
    stop: (drainTimeoutMs = config.daemon.drainTimeoutMs, because = undefined) => {
      stopping ??= shutDown(parts, drainTimeoutMs, because);
      return stopping;
    },
    stopNow: (because) => stopAtOnce(parts, because),
  };
}

interface ListenOptions {
  readonly config: Config;
  readonly authenticate: Authenticate;
  readonly models: readonly ModelService[];
  readonly budget: ByteBudget;
  readonly metrics: Metrics;
  readonly requestLog: RequestLog;
  readonly state: { readonly draining: boolean };
  readonly servers: HttpServer[];
}

async function listenAll(options: ListenOptions): Promise<void> {
  const { config, authenticate, requestLog, servers, metrics } = options;
  const common = { authenticate, clock: systemClock, onError: requestLog.failed };
  const { listen: address, metricsListen } = config.daemon;
  const setting = "listen in [daemon], DAEMON_LISTEN or DAEMON_PORT";
  servers.push(await listen(address, { ...common, groups: routeGroups(options), setting }));
  if (metricsListen === undefined) return;
  servers.push(
    await listen(metricsListen, {
      ...common,
      groups: [{ scope: undefined, routes: [metricsRoute(metrics)] }],
      setting: "metrics_listen in [daemon]",
      isOwnPort: metricsListen.port === address.port && (isLoopback(address.host) || isEveryAddress(address.host)),
    }),
  );
}

function routeGroups(options: ListenOptions): readonly RouteGroup[] {
  const { budget, config, metrics, requestLog, state } = options;
  const models = new Map(options.models.map((model) => [model.name, model]));
  const inference = {
    models,
    budget,
    clock: systemClock,
    maxBodyBytes: config.daemon.maxBodyBytes,
    onFail: requestLog.failed,
  };
  const snapshot = () => ({
    draining: state.draining,
    bufferedBytes: budget.heldBytes,
    models: options.models.map(describe),
  });
  return [
    { scope: undefined, routes: healthRoutes({ models, isDraining: () => state.draining }) },
    { scope: "infer", routes: [modelsRoute(models), inferRoute(inference)] },
    { scope: "admin", routes: [metricsRoute(metrics), ...adminRoutes(models, snapshot)] },
  ];
}

function describe(model: ModelService) {
  const { scheduler } = model;
  return {
    ...model.status(),
    waiting: scheduler.waiting,
    unsettled: scheduler.unsettled,
    interface: model.interface() ?? null,
  };
}

function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function createAuthenticator(auth: AuthSettings, log: Log, onceASecond: OnceASecond): Authenticate {
  if (auth.mode === "none") return authenticateNobody;
  const onTrouble = ({ setting, concernsAll, message, got }: TokenTrouble) =>
    onceASecond.write(`token ${setting} ${concernsAll}`, (leftOut) => {
      const claim = got === undefined || setting === "jwks" ? {} : { got, wanted: auth[setting] };
      log[concernsAll ? "error" : "warn"]({ setting, ...claim, leftOut }, message);
    });
  return createAuthenticate({ ...auth, onTrouble });
}

/** No caller alone holds more than half of the budget, but always the largest body. */
function createBudget({ daemon }: Config): ByteBudget {
  return new ByteBudget(daemon.maxBufferedBytes, Math.max(daemon.maxBodyBytes, daemon.maxBufferedBytes / 2));
}

function findPython(env: NodeJS.ProcessEnv): string {
  const given = env.GATEHOUSE_PYTHON;
  if (given) return given;
  const python = `${CHECKOUT}.venv/bin/python`;
  if (existsSync(python)) return python;
  throw new StartError(
    "PYTHON_MISSING",
    "There is no Python environment at .venv yet: run npm start once, or set GATEHOUSE_PYTHON to an interpreter that has the requirements.",
  );
}
