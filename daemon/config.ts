import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import {
  boolean,
  integer,
  invalid,
  isTable,
  optionalText,
  readTable,
  type Table,
  texts,
  variables,
} from "./config-fields.ts";
import type { WorkerSettings } from "./supervisor/worker-settings.ts";
import { MAX_FRAME_BYTES } from "./wire/limits.ts";

const DAY_MS = 86_400_000;
const GIB = 1_073_741_824;

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface DaemonSettings {
  readonly listen: ListenAddress;
  /** Serves `/metrics` without a token, on loopback only. */
  readonly metricsListen: ListenAddress | undefined;
  readonly maxBodyBytes: number;
  /** Bytes of bodies held for all callers together. */
  readonly maxBufferedBytes: number;
  /** Requests one caller may have without an answer with one model. An answer that waits for its reader counts in maxBufferedBytes, not here. */
  readonly maxCallerRequests: number;
  readonly drainTimeoutMs: number;
  readonly socketDir: string | undefined;
}

export type AuthSettings =
  | { readonly mode: "none" }
  | { readonly mode: "token"; readonly jwks: string; readonly issuer: string; readonly audience: string };

export interface ModelSettings extends WorkerSettings {
  readonly maxQueue: number;
  readonly streamTimeoutMs: number;
  /** Milliseconds a reader may take nothing. */
  readonly stallMs: number;
}

export interface Config {
  /** The folder of the file, which relative paths in it start from. */
  readonly folder: string;
  readonly daemon: DaemonSettings;
  readonly auth: AuthSettings;
  readonly models: readonly ModelSettings[];
}

/**
 * Reads models.toml; `DAEMON_LISTEN`, `DAEMON_JWKS`, `DAEMON_ISSUER` and `DAEMON_AUDIENCE` win over it.
 * Throws StartError CONFIG_INVALID with one sentence that says what to mend.
 */
export function loadConfig(path: string, env: NodeJS.ProcessEnv): Config {
  const file = resolve(path);
  try {
    return parseConfig(readFile(file), dirname(file), env);
  } catch (error) {
    throw invalid(`${path}: ${(error as Error).message}`, error);
  }
}

/** As loadConfig, of a text; `folder` is where relative paths start. */
export function parseConfig(text: string, folder: string, env: NodeJS.ProcessEnv): Config {
  const root = readTable(parseToml(text), { daemon: table, auth: table, models: table }, "models.toml");
  const daemon = readDaemon(root.daemon, env);
  const auth = readAuth(root.auth, folder, env);
  if (auth.mode === "none" && !isLoopback(daemon.listen.host)) {
    throw invalid(
      `mode = "none" in [auth] lets anyone in, so listen must be a loopback address such as 127.0.0.1, not ${daemon.listen.host}.`,
    );
  }
  const names = Object.keys(root.models);
  if (names.length === 0) throw invalid("There is no [models.NAME], so there is nothing to serve.");
  const models = names.map((name) => readModel(name, table(root.models[name], `[models.${name}]`), folder));
  return { folder, daemon, auth, models };
}

/** Whether only this machine reaches an address: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(`the file cannot be read (${(cause as NodeJS.ErrnoException).code}).`, cause);
  }
}

function parseToml(text: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    throw invalid(`line ${cause.line}: ${cause.message.split("\n")[0]}.`, cause);
  }
}

function table(value: unknown, where: string): Table {
  if (value === undefined) return {};
  if (isTable(value)) return value;
  throw invalid(`${where} must be a table.`);
}

function readDaemon(values: Table, env: NodeJS.ProcessEnv): DaemonSettings {
  const fields = readTable(
    values,
    {
      listen: optionalText,
      metrics_listen: optionalText,
      max_body_bytes: integer(MAX_FRAME_BYTES, 1, MAX_FRAME_BYTES),
      max_buffered_bytes: integer(268_435_456, 1, 1_024 * GIB),
      max_caller_requests: integer(512, 1, 1_000_000),
      drain_timeout_ms: integer(10_000, 0, DAY_MS),
      socket_dir: optionalText,
    },
    "[daemon]",
  );
  if (fields.max_buffered_bytes < fields.max_body_bytes) {
    throw invalid(
      "max_buffered_bytes in [daemon] is smaller than max_body_bytes, so the largest body would never fit.",
    );
  }
  const metricsListen =
    fields.metrics_listen === undefined ? undefined : address(fields.metrics_listen, "metrics_listen in [daemon]");
  if (metricsListen !== undefined && !isLoopback(metricsListen.host)) {
    throw invalid("metrics_listen in [daemon] serves metrics without a token, so it must be a loopback address.");
  }
  return {
    listen: readListen(fields.listen, env),
    metricsListen,
    maxBodyBytes: fields.max_body_bytes,
    maxBufferedBytes: fields.max_buffered_bytes,
    maxCallerRequests: fields.max_caller_requests,
    drainTimeoutMs: fields.drain_timeout_ms,
    socketDir: fields.socket_dir,
  };
}

function readListen(fromFile: string | undefined, env: NodeJS.ProcessEnv): ListenAddress {
  const fromEnv = env.DAEMON_LISTEN;
  if (fromEnv) return address(fromEnv, "DAEMON_LISTEN");
  return address(fromFile ?? "127.0.0.1:8788", "listen in [daemon]");
}

function address(text: string, where: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) {
    throw invalid(`${where} must be host:port, such as "127.0.0.1:8788" or "[::1]:8788", not ${JSON.stringify(text)}.`);
  }
  return { host, port };
}

function readAuth(values: Table, folder: string, env: NodeJS.ProcessEnv): AuthSettings {
  const fields = readTable(
    values,
    { mode: optionalText, jwks: optionalText, issuer: optionalText, audience: optionalText },
    "[auth]",
  );
  if (fields.mode !== undefined && fields.mode !== "none" && fields.mode !== "token") {
    throw invalid(`mode in [auth] must be "token" (the default) or "none", not "${fields.mode}".`);
  }
  const jwks = env.DAEMON_JWKS || fields.jwks;
  if (fields.mode === "none" && jwks === undefined) return { mode: "none" };
  if (jwks === undefined) {
    throw invalid(
      '[auth] needs jwks, the address or file of the edge\'s keys, such as jwks = "http://127.0.0.1:8787/.well-known/jwks.json"; or mode = "none" on loopback.',
    );
  }
  const issuer = env.DAEMON_ISSUER || fields.issuer || originOf(jwks);
  if (issuer === undefined)
    throw invalid("[auth] needs issuer, the edge's origin that its tokens name, when jwks is a file.");
  const audience = env.DAEMON_AUDIENCE || fields.audience || "gatehouse-daemon";
  return { mode: "token", jwks: isUrl(jwks) ? jwks : resolve(folder, jwks), issuer, audience };
}

function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text);
}

function originOf(text: string): string | undefined {
  return isUrl(text) && URL.canParse(text) ? new URL(text).origin : undefined;
}

function readModel(name: string, values: Table, folder: string): ModelSettings {
  const where = `[models.${name}]`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw invalid(
      `${where}: a model's name is 1 to 64 letters, digits, dots, hyphens and underscores, and starts with a letter or digit.`,
    );
  }
  const fields = readTable(
    values,
    {
      class: optionalText,
      workers: integer(1, 1, 64),
      concurrency: integer(1, 1, 1_024),
      max_queue: integer(256, 0, 100_000),
      max_batch: integer(1, 1, 1_024),
      max_wait_ms: integer(0, 0, 60_000),
      timeout_ms: integer(30_000, 1, DAY_MS),
      load_timeout_ms: integer(120_000, 1, DAY_MS),
      health_interval_ms: integer(5_000, 10, DAY_MS),
      max_restarts: integer(5, 0, 1_000_000),
      stream_timeout_ms: integer(600_000, 1, DAY_MS),
      stall_ms: integer(10_000, 1, DAY_MS),
      required: boolean(true),
      env: variables,
      devices: texts,
    },
    where,
  );
  if (fields.max_wait_ms >= fields.timeout_ms) {
    throw invalid(`max_wait_ms in ${where} must be less than timeout_ms, or a call that is not full begins too late.`);
  }
  return {
    name,
    classSpec: classSpec(fields.class, folder, where),
    workers: fields.workers,
    concurrency: fields.concurrency,
    maxQueue: fields.max_queue,
    maxBatch: fields.max_batch,
    maxWaitMs: fields.max_wait_ms,
    timeoutMs: fields.timeout_ms,
    loadTimeoutMs: fields.load_timeout_ms,
    healthIntervalMs: fields.health_interval_ms,
    maxRestarts: fields.max_restarts,
    streamTimeoutMs: fields.stream_timeout_ms,
    stallMs: fields.stall_ms,
    required: fields.required,
    env: fields.env,
    devices: fields.devices,
  };
}

/** `file.py:Class` with its path made absolute, or `module:Class` as it is. */
function classSpec(value: string | undefined, folder: string, where: string): string {
  const example = 'such as class = "examples/search.py:Search" or "package.module:Class"';
  if (value === undefined) throw invalid(`${where} has no class, ${example}.`);
  const match = /^(.+):([A-Za-z_]\w*)$/.exec(value);
  const [, module, name] = match ?? [];
  if (module === undefined || name === undefined)
    throw invalid(`class in ${where} must be a file or module, a colon and a name, ${example}.`);
  if (!module.endsWith(".py")) {
    if (/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(module)) return value;
    throw invalid(`class in ${where} names neither a .py file nor a module, ${example}.`);
  }
  const file = isAbsolute(module) ? module : resolve(folder, module);
  if (!existsSync(file)) throw invalid(`class in ${where} names ${module}, which is not there.`);
  return `${file}:${name}`;
}
