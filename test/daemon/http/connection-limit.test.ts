import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../daemon/clock.ts";
import { authenticateNobody } from "../../../daemon/http/local-caller.ts";
import { type HttpServer, listen } from "../../../daemon/http/server.ts";
import { RawCaller } from "./raw-caller.ts";

/** Long enough for a request that is written at once, on any machine. */
const HEADERS_TIMEOUT_MS = 1_000;

/** More than the kernel holds of an answer. */
const LARGE = Buffer.alloc(20_000_000);

let server: HttpServer;
let held: ServerResponse[];

beforeEach(async () => {
  held = [];
  const routes = [
    { path: "/now", methods: { GET: (exchange) => exchange.sendJson(200, "now") } },
    {
      path: "/large",
      methods: {
        GET: (exchange) => {
          held.push(exchange.response);
          exchange.send(200, {}, LARGE);
        },
      },
    },
    {
      path: "/held",
      methods: {
        GET: (exchange) => void held.push(exchange.response),
        POST: (exchange) => {
          held.push(exchange.response);
          exchange.request.resume();
        },
      },
    },
  ] satisfies Parameters<typeof listen>[1]["groups"][number]["routes"];
  server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      groups: [{ scope: undefined, routes }],
      authenticate: authenticateNobody,
      clock: systemClock,
      maxConnections: 3,
      headersTimeoutMs: HEADERS_TIMEOUT_MS,
      setting: "port",
      onError: () => undefined,
    },
  );
});

afterEach(async () => {
  server.destroy();
  await server.close();
});

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

async function asking(path: string): Promise<RawCaller> {
  const caller = await RawCaller.connect(Number(new URL(server.url).port));
  caller.write(get(path));
  if (path === "/now") await caller.saw(/"now"$/);
  return caller;
}

it("takes a new connection at the limit in place of the one that has been idle longest", async () => {
  const first = await asking("/now");
  const second = await asking("/now");
  const third = await asking("/now");
  first.write(get("/now"));
  await first.saw(/"now"[\s\S]*"now"$/);
  await asking("/now");
  expect(await second.closed()).toMatch(/"now"$/);
  expect([first.socket.closed, third.socket.closed]).toEqual([false, false]);
});

it("closes no connection with a request in work for a new one, and refuses the new one when all have", async () => {
  const busy = [await asking("/held"), await asking("/held"), await asking("/held")];
  while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
  expect(await (await asking("/held")).closed()).toBe("");
  for (const response of held) response.end("done");
  for (const caller of busy) await caller.saw(/done/);
});

/** Brings the headers of a request byte by byte, without an end, until the server has had enough. */
async function slow(): Promise<RawCaller> {
  const caller = await RawCaller.connect(Number(new URL(server.url).port));
  caller.write("GET /now HTTP/1.1\r\nx: ");
  const timer = setInterval(() => caller.write("y"), HEADERS_TIMEOUT_MS / 20);
  caller.socket.once("close", () => clearInterval(timer));
  return caller;
}

it("cuts off headers that come byte by byte, and lets them shut nobody out until then", async () => {
  const callers = [await slow(), await slow(), await slow()];
  await asking("/now");
  expect(callers.slice(1).map(({ socket }) => socket.closed)).toEqual([false, false]);
  const answers = await Promise.all(callers.map((caller) => caller.closed()));
  const late = expect.stringMatching(/^HTTP\/1\.1 408 [\s\S]*did not arrive in time/);
  expect(answers).toEqual(["", late, late]);
});

it("closes the connection whose upload takes longest for a new one when none is idle, but none with a request in work", async () => {
  const working = await asking("/held");
  const port = Number(new URL(server.url).port);
  const uploads = [await RawCaller.connect(port), await RawCaller.connect(port)];
  for (const [at, upload] of uploads.entries()) {
    upload.write("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345");
    while (held.length < at + 2) await new Promise((resolve) => setImmediate(resolve));
  }
  await asking("/now");
  expect(await uploads[0]?.closed()).toBe("");
  expect([working, uploads[1]].map((caller) => caller?.socket.closed)).toEqual([false, false]);
});

it("closes a connection for a new one whose answer nobody reads", async () => {
  const unread = [await asking("/large"), await asking("/large"), await asking("/large")];
  for (const caller of unread) caller.socket.pause();
  while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
  await asking("/now");
  for (const caller of unread) caller.socket.destroy();
});
