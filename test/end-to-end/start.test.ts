import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyCheckout } from "../fixtures/copy-checkout.ts";
import { freePort } from "../fixtures/free-port.ts";
import { processesIn } from "../fixtures/processes-in.ts";
import { type NpmStart, npmStart, untilNoProcessIn } from "./npm-start.ts";
import { walk } from "./walk.ts";

/** Milliseconds for a set-up that downloads everything while other tests keep the machine busy. */
const SET_UP_TIMEOUT_MS = 300_000;

/** From Ctrl-C to the last process gone. */
const END_WITHIN_MS = 5_000;

describe("npm start in a fresh clone", () => {
  const top = mkdtempSync(join(tmpdir(), "gh-e2e-"));
  const folder = join(top, "a clone");
  const temp = join(top, "tmp");
  let env: { EDGE_PORT: string; DAEMON_PORT: string; TMPDIR: string };
  let urls: { edge: string; daemon: string };

  beforeAll(async () => {
    mkdirSync(temp);
    copyCheckout(folder);
    env = { EDGE_PORT: String(await freePort()), DAEMON_PORT: String(await freePort()), TMPDIR: temp };
    urls = { edge: `http://127.0.0.1:${env.EDGE_PORT}`, daemon: `http://127.0.0.1:${env.DAEMON_PORT}` };
  });

  afterAll(() => {
    for (const { pid } of processesIn(folder)) process.kill(pid, "SIGKILL");
    rmSync(top, { recursive: true, force: true });
  });

  async function expectNothingLeft(start: NpmStart): Promise<void> {
    await untilNoProcessIn(folder, END_WITHIN_MS);
    await start.ended();
    expect(readdirSync(temp)).toEqual([]);
    expect(readdirSync(join(folder, ".data")).sort()).toEqual(["migrations-stamp", "pglite", "signing-keys.json"]);
    expect(existsSync(join(folder, ".set-up.lock"))).toBe(false);
  }

  test(
    "sets everything up, answers along the README's walk, and a Ctrl-C leaves nothing",
    async () => {
      const start = npmStart({ folder, env });
      expect(await start.ready()).toBe(`ready edge=${urls.edge} daemon=${urls.daemon}`);
      expect(start.output()).toMatch(/^\[1\/5\] npm packages … done in [\d.]+ s$/m);
      expect(start.output()).toMatch(/^\[2\/5\] Python environment … done in [\d.]+ s$/m);
      expect(start.output()).toMatch(/^\[5\/5\] Embedded database … done in [\d.]+ s$/m);

      const paths = await walk(urls);
      const [block = ""] = /```sh\n[^`]*```/.exec(readFileSync(join(folder, "README.md"), "utf8")) ?? [];
      expect(paths).toEqual(block.match(/\/v1\/[\w/]+/g));

      start.pressCtrlC();
      await expectNothingLeft(start);
      expect(await start.ended()).toBe(0);
    },
    SET_UP_TIMEOUT_MS,
  );

  test("starts again without set-up, refuses a second start, and losing npm to kill -9 leaves nothing", async () => {
    const start = npmStart({ folder, env });
    expect(await start.ready()).toMatch(/^ready /);
    expect(start.output().match(/… up to date$/gm)).toHaveLength(5);

    const otherPorts = { ...env, EDGE_PORT: String(await freePort()), DAEMON_PORT: String(await freePort()) };
    const sameData = npmStart({ folder, env: otherPorts });
    expect(await sameData.ended()).toBe(1);
    expect(sameData.output()).toMatch(/^gatehouse: DATA_DIR \(.*\) is in use by another `npm start` \(process \d+\)/m);
    const samePort = npmStart({ folder, env: { ...env, DATA_DIR: join(top, "other-data") } });
    expect(await samePort.ended()).toBe(1);
    expect(samePort.output()).toMatch(
      new RegExp(`^gatehouse: Port ${env.EDGE_PORT}, which the edge wants, is taken`, "m"),
    );

    start.signal("SIGKILL");
    await expectNothingLeft(start);
  });

  test("names the models that failed and serves the others; its own death by kill -9 ends both servers", async () => {
    writeFileSync(
      join(top, "models.toml"),
      `[models.echo]\nclass = "${folder}/python/examples/echo.py:Echo"\n` +
        `[models.broken]\nclass = "${folder}/python/examples/echo.py:NoSuchClass"\n`,
    );
    const start = npmStart({ folder, env: { ...env, GATEHOUSE_CONFIG: join(top, "models.toml") } });
    expect(await start.ready()).toBe(`ready edge=${urls.edge} daemon=${urls.daemon} failed=broken`);
    expect(start.output()).toMatch(/^model broken has failed: It could not be loaded\. The daemon's log says why\.$/m);
    expect(start.output()).toMatch(/daemon error model is failed .*reason=".*NoSuchClass/);
    const owner = processesIn(folder).find(({ command }) => command.endsWith("set-up.mjs start"));
    process.kill(owner?.pid ?? 0, "SIGKILL");
    await untilNoProcessIn(folder, END_WITHIN_MS);
  });

  test("takes over what a killed start has left, and ends with npm's SIGTERM", async () => {
    expect(existsSync(join(folder, ".data", "up.lock"))).toBe(true);
    const start = npmStart({ folder, env });
    expect(await start.ready()).toMatch(/^ready /);
    start.signal("SIGTERM");
    await expectNothingLeft(start);
    expect(await start.ended()).toBe(0);
  });
});
