import { afterAll, beforeAll, expect, it } from "vitest";
import { type DaemonInProcess, ECHO, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";
import { RawCaller } from "./raw-caller.ts";

let daemon: DaemonInProcess;

beforeAll(async () => {
  daemon = await startDaemonInProcess(`[models.echo]\nclass = "${ECHO}"`);
});

afterAll(() => daemon[Symbol.asyncDispose]());

async function get(headers: Readonly<Record<string, string>>): Promise<string> {
  const caller = await RawCaller.connect(daemon.port);
  const lines = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  caller.write(`GET /v1/models HTTP/1.1\r\n${lines.join("")}\r\n`);
  return await caller.closed();
}

it("says once at start that mode none lets everybody in who reaches the port", () => {
  expect(daemon.log.filter(({ message }) => message.startsWith('mode = "none"')).length).toBe(1);
});

it.each([
  "127.0.0.1:8788",
  "127.1.2.3",
  "localhost",
  "localhost:8788",
  "models.localhost",
  "[::1]:8788",
  "gpu-box:8788",
])("lets in who asks for %s, which no DNS can be made to answer", async (host) => {
  expect(await get({ host })).toMatch(/^HTTP\/1\.1 200 /);
});

it.each(["evil.example", "evil.example:8788", "127.0.0.1.evil.example", "localhost.evil.example", "box.local."])(
  "refuses whoever was sent here by the DNS of %s",
  async (host) => {
    expect(await get({ host })).toMatch(/^HTTP\/1\.1 403 [\s\S]*"code":"ORIGIN_REFUSED"/);
  },
);

it.each(["http://localhost:3000", "http://127.0.0.1:8787", "https://app.localhost", "http://[::1]:8787"])(
  "lets in a page of this machine: %s",
  async (origin) => {
    expect(await get({ host: "127.0.0.1", origin })).toMatch(/^HTTP\/1\.1 200 /);
  },
);

it.each(["http://evil.example", "http://localhost.evil.example", "null", "https://127.0.0.1.evil.example:1"])(
  "refuses a page of another site: %s",
  async (origin) => {
    expect(await get({ host: "127.0.0.1", origin })).toMatch(/^HTTP\/1\.1 403 [\s\S]*"code":"ORIGIN_REFUSED"/);
  },
);
