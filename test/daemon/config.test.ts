import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLoopback, loadConfig, parseConfig } from "../../daemon/config.ts";
import { StartError } from "../../daemon/errors.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
  writeFileSync(join(folder, "model.py"), "");
});

afterAll(() => rmSync(folder, { recursive: true }));

const NONE = '[auth]\nmode = "none"\n';
const MODEL = '[models.m]\nclass = "model.py:Model"\n';

const read = (text: string, env: NodeJS.ProcessEnv = {}) => parseConfig(text, folder, env);

function complaint(text: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    read(text, env);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    expect(error.code).toBe("CONFIG_INVALID");
    return error.message;
  }
  throw new Error("the configuration was taken");
}

describe("parseConfig", () => {
  it("has the defaults of the design", () => {
    const { daemon, auth, models } = read(NONE + MODEL);
    expect(auth).toEqual({ mode: "none" });
    expect(daemon).toEqual({
      listen: { host: "127.0.0.1", port: 8788 },
      metricsListen: undefined,
      maxBodyBytes: 67_108_864,
      maxBufferedBytes: 268_435_456,
      maxCallerRequests: 512,
      drainTimeoutMs: 10_000,
      socketDir: undefined,
    });
    expect(models).toEqual([
      {
        name: "m",
        classSpec: `${folder}/model.py:Model`,
        workers: 1,
        concurrency: 1,
        maxQueue: 256,
        maxBatch: 1,
        maxWaitMs: 0,
        timeoutMs: 30_000,
        loadTimeoutMs: 120_000,
        healthIntervalMs: 5_000,
        maxRestarts: 5,
        streamTimeoutMs: 600_000,
        stallMs: 10_000,
        required: true,
        env: {},
        devices: [],
      },
    ]);
  });

  it("lets the environment win over the file", () => {
    const { daemon, auth } = read(`[daemon]\nlisten = "0.0.0.0:1"\n[auth]\njwks = "a.json"\nissuer = "i"\n${MODEL}`, {
      DAEMON_LISTEN: "[::1]:99",
      DAEMON_JWKS: "http://127.0.0.1:8787/.well-known/jwks.json",
      DAEMON_ISSUER: "http://localhost:8787",
      DAEMON_AUDIENCE: "other",
    });
    expect(daemon.listen).toEqual({ host: "::1", port: 99 });
    expect(auth).toEqual({
      mode: "token",
      jwks: "http://127.0.0.1:8787/.well-known/jwks.json",
      issuer: "http://localhost:8787",
      audience: "other",
    });
  });

  it("wants tokens when the environment names their keys, whatever the file says", () => {
    expect(read(NONE + MODEL, { DAEMON_JWKS: "https://edge.example/jwks" }).auth).toMatchObject({
      mode: "token",
      issuer: "https://edge.example",
    });
  });

  it("takes a module for a class as it is, and the path of a key file from the configuration's folder", () => {
    const { auth, models } = read('[auth]\njwks = "keys.json"\nissuer = "i"\n[models.m]\nclass = "pkg.mod:Class"\n');
    expect([auth.mode === "token" && auth.jwks, models[0]?.classSpec]).toEqual([
      `${folder}/keys.json`,
      "pkg.mod:Class",
    ]);
  });
});

describe("parseConfig on mistakes", () => {
  it.each([
    [
      "an unknown setting of a model",
      `${NONE}${MODEL}timeout = 1`,
      '[models.m] has no setting "timeout"; did you mean "timeout_ms"?',
    ],
    [
      "a setting far from any",
      `${NONE}${MODEL}frequency = 1`,
      '[models.m] has no setting "frequency"; it has class, workers',
    ],
    ["a misspelt setting", `${NONE}${MODEL}max_que = 1`, 'did you mean "max_queue"?'],
    ["an unknown table", `${NONE}${MODEL}[deamon]\n`, 'models.toml has no setting "deamon"; did you mean "daemon"?'],
    [
      "a number that is no number",
      `${NONE}${MODEL}workers = "2"`,
      'workers in [models.m] must be a whole number from 1 to 64, not "2".',
    ],
    [
      "a number out of range",
      `${NONE}${MODEL}max_batch = 0`,
      "max_batch in [models.m] must be a whole number from 1 to 1024, not 0.",
    ],
    ["a fraction", `${NONE}${MODEL}timeout_ms = 0.5`, "timeout_ms in [models.m] must be a whole number"],
    [
      "a word for a truth",
      `${NONE}${MODEL}required = "yes"`,
      'required in [models.m] must be true or false, not "yes".',
    ],
    [
      "env that is no table of strings",
      `${NONE}${MODEL}env = { A = 1 }`,
      "env in [models.m] must be a table of strings",
    ],
    [
      "devices that are no strings",
      `${NONE}${MODEL}devices = [0]`,
      "devices in [models.m] must be an array of strings, not [0].",
    ],
    [
      "a wait for others that takes all of a request's time",
      `${NONE}${MODEL}max_wait_ms = 1000\ntimeout_ms = 1000`,
      "max_wait_ms in [models.m] must be less than timeout_ms",
    ],
    ["no model", NONE, "There is no [models.NAME]"],
    ["a model without a class", `${NONE}[models.m]\n`, "[models.m] has no class, such as"],
    ["a class without a name", `${NONE}[models.m]\nclass = "model.py"`, "must be a file or module, a colon and a name"],
    [
      "a class in a file that is not there",
      `${NONE}[models.m]\nclass = "gone.py:Model"`,
      "names gone.py, which is not there.",
    ],
    [
      "a class in neither file nor module",
      `${NONE}[models.m]\nclass = "a-b:C"`,
      "names neither a .py file nor a module",
    ],
    ["a model's name that is none", `${NONE}[models."a/b"]\nclass = "model.py:M"`, "a model's name is 1 to 64 letters"],
    ["text that is no TOML", `${NONE}[models`, "line 3: "],
    [
      "a body larger than a frame",
      `[daemon]\nmax_body_bytes = 67108865\n${NONE}${MODEL}`,
      "max_body_bytes in [daemon] must be a whole number from 1 to 67108864",
    ],
    [
      "a buffer smaller than a body",
      `[daemon]\nmax_buffered_bytes = 1000\n${NONE}${MODEL}`,
      "is smaller than max_body_bytes",
    ],
    [
      "an address without a port",
      `[daemon]\nlisten = "127.0.0.1"\n${NONE}${MODEL}`,
      "listen in [daemon] must be host:port",
    ],
    [
      "a port that is none",
      `[daemon]\nlisten = "127.0.0.1:70000"\n${NONE}${MODEL}`,
      "listen in [daemon] must be host:port",
    ],
    [
      "no tokens beyond loopback",
      `[daemon]\nlisten = "0.0.0.0:1"\n${NONE}${MODEL}`,
      "must be a loopback address such as 127.0.0.1, not 0.0.0.0.",
    ],
    [
      "metrics without tokens beyond loopback",
      `[daemon]\nmetrics_listen = "10.0.0.1:1"\n${NONE}${MODEL}`,
      "metrics_listen in [daemon] serves metrics without a token",
    ],
    ["no keys", MODEL, "[auth] needs jwks"],
    ["keys in a file without an issuer", `[auth]\njwks = "a"\n${MODEL}`, "[auth] needs issuer"],
    [
      "an unknown mode",
      `[auth]\nmode = "open"\n${MODEL}`,
      'mode in [auth] must be "token" (the default) or "none", not "open".',
    ],
  ])("says what to mend: %s", (_, text, expected) => {
    expect(complaint(text)).toContain(expected);
  });

  it("names the file and why it cannot be read", () => {
    expect(() => loadConfig(join(folder, "gone.toml"), {})).toThrow(
      `${folder}/gone.toml: the file cannot be read (ENOENT).`,
    );
  });
});

it("takes the loopback addresses, and no others, for loopback", () => {
  expect(["127.0.0.1", "127.9.9.9", "localhost", "::1"].every(isLoopback)).toBe(true);
  expect(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "1127.0.0.1", "localhost.example"].some(isLoopback)).toBe(
    false,
  );
});
