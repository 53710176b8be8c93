import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DaemonInProcess, ECHO, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";
import { post, RawCaller } from "./raw-caller.ts";

let daemon: DaemonInProcess;

beforeAll(async () => {
  daemon = await startDaemonInProcess(`[models.echo]\nclass = "${ECHO}"`);
  await daemon.ready();
});

afterAll(() => daemon[Symbol.asyncDispose]());

async function problem(text: string, halfClose = false): Promise<{ status: string; code: string; detail: string }> {
  const caller = await RawCaller.connect(daemon.port, halfClose);
  caller.write(text);
  if (halfClose) caller.socket.end();
  const answer = await caller.closed();
  expect(answer).toMatch(/content-type: application\/problem\+json/i);
  const { code, detail } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
  return { status: answer.slice(9, 12), code, detail };
}

describe("a caller whose HTTP is not right is told so in words", () => {
  it("when it expects something else than 100 Continue", async () => {
    const request = post("echo", "1", { expect: "200-ok", connection: "close" });
    expect(await problem(request)).toMatchObject({
      status: "417",
      code: "BAD_REQUEST",
      detail: expect.stringContaining("Expect"),
    });
  });

  it("when it names no Host, and is taken over HTTP/1.0, which has none", async () => {
    const request = "GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n";
    expect(await problem(request)).toMatchObject({
      status: "400",
      code: "BAD_REQUEST",
      detail: expect.stringContaining("Host"),
    });
    const old = await RawCaller.connect(daemon.port);
    old.write("GET /livez HTTP/1.0\r\n\r\n");
    expect(await old.closed()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("when it ends its side in the middle of a body", async () => {
    const request = post("echo", "12345", { "content-length": "10" });
    expect(await problem(request, true)).toMatchObject({
      status: "400",
      code: "BAD_REQUEST",
      detail: expect.stringContaining("not whole"),
    });
  });
});

describe("an address that cannot be had", () => {
  const start = (settings: string, env: NodeJS.ProcessEnv = {}) =>
    startDaemonInProcess(`[daemon]\n${settings}\n[models.echo]\nclass = "${ECHO}"`, env).then(
      () => "started",
      (error: Error) => error.message,
    );

  it("is named with the setting to change", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await start(`metrics_listen = "${taken}"`)).toBe(
      `${taken} is taken by another process; choose another with metrics_listen in [daemon].`,
    );
    expect(await start("", { DAEMON_LISTEN: taken })).toBe(
      `${taken} is taken by another process; choose another with listen in [daemon], DAEMON_LISTEN or DAEMON_PORT.`,
    );
    other.close();
    await once(other, "close");
    expect(await start(`metrics_listen = "${taken}"`, { DAEMON_LISTEN: taken })).toBe(
      `${taken} is taken by the daemon's own listen; choose another with metrics_listen in [daemon].`,
    );
  });
});
