import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AdminState,
  type DaemonInProcess,
  ECHO,
  fixture,
  startDaemonInProcess,
} from "../../fixtures/daemon-in-process.ts";
import { post, RawCaller } from "./raw-caller.ts";

let daemon: DaemonInProcess;

beforeAll(async () => {
  daemon = await startDaemonInProcess(`
    [daemon]
    max_body_bytes = 20000000
    max_buffered_bytes = 40000000
    [models.echo]
    class = "${ECHO}"
    timeout_ms = 10000
    stall_ms = 300
    [models.demand]
    class = "${fixture("misbehaving.py", "OnDemand")}"
    timeout_ms = 10000
    [models.patient]
    class = "${ECHO}"
    [models.large]
    class = "${fixture("streaming.py", "Large")}"
    stall_ms = 2000
    [models.wide]
    class = "${fixture("streaming.py", "Wide")}"
    stall_ms = 300
    [models.counted]
    class = "${fixture("streaming.py", "Counted")}"
    [models.steady]
    class = "${fixture("streaming.py", "Wide")}"
    stall_ms = 1000
  `);
  await daemon.ready();
});

afterAll(() => daemon[Symbol.asyncDispose]());

/** Work that ends only when it is interrupted. */
const SPIN = JSON.stringify({ do: "spin" });

const connect = (halfOpen?: boolean) => RawCaller.connect(daemon.port, halfOpen);

async function modelIs(
  name: string,
  holds: (model: { unsettled: number; workers: readonly { inFlight: number }[] }) => boolean,
): Promise<void> {
  for (;;) {
    const { models } = await daemon.state();
    const model = models.find((other) => other.name === name);
    if (model !== undefined && holds(model)) return;
  }
}

describe("a caller that leaves", () => {
  it("has its work cancelled, and the worker lives on", async () => {
    const before = await pidOf("demand");
    const caller = await connect();
    caller.write(post("demand", SPIN));
    await modelIs("demand", ({ workers }) => workers[0]?.inFlight === 1);
    caller.socket.destroy();
    await modelIs("demand", ({ unsettled }) => unsettled === 0);
    await modelIs("demand", ({ workers }) => workers[0]?.inFlight === 0);
    expect(await pidOf("demand")).toBe(before);
  });

  it("is noticed soon, although the end of its sending side could be a half-close", async () => {
    const caller = await connect();
    caller.write(post("demand", SPIN));
    await modelIs("demand", ({ workers }) => workers[0]?.inFlight === 1);
    const leftAt = performance.now();
    caller.socket.destroy();
    await modelIs("demand", ({ unsettled }) => unsettled === 0);
    expect(performance.now() - leftAt).toBeLessThan(1_500);
    await modelIs("demand", ({ workers }) => workers[0]?.inFlight === 0);
  });

  it("leaves a queue place for others", async () => {
    const callers = await Promise.all(Array.from({ length: 20 }, () => connect()));
    for (const caller of callers) caller.write(post("demand", SPIN));
    await modelIs("demand", ({ unsettled }) => unsettled === 20);
    for (const caller of callers) caller.socket.destroy();
    await modelIs("demand", ({ unsettled }) => unsettled === 0);
    expect((await daemon.infer("demand", 1)).status).toBe(200);
  });

  it("ends its stream", async () => {
    const caller = await connect();
    caller.write(post("demand", JSON.stringify({ events: 100_000, gap_ms: 5 }), { accept: "text/event-stream" }));
    await caller.saw(/data: 3\n/);
    caller.socket.destroy();
    await modelIs("demand", ({ workers }) => workers[0]?.inFlight === 0);
  });
});

describe("a caller that half-closes", () => {
  it("still gets its answer", async () => {
    const caller = await connect(true);
    caller.socket.end(post("demand", JSON.stringify({ do: "sleep", ms: 400 })));
    const text = await caller.closed();
    expect(text).toMatch(/^(HTTP\/1\.1 100 Continue\r\n\r\n)+HTTP\/1\.1 200 OK\r\n/);
    expect(text.endsWith('{"do":"sleep","ms":400}')).toBe(true);
  });

  it("still gets its whole stream, with comments at most between the events", async () => {
    const caller = await connect(true);
    caller.socket.end(post("demand", JSON.stringify({ events: 5, gap_ms: 60 }), { accept: "text/event-stream" }));
    const text = await caller.closed();
    for (const number of [0, 1, 2, 3, 4]) expect(text).toContain(`data: ${number}\n\n`);
    expect(text.endsWith("0\r\n\r\n")).toBe(true);
  });

  it("gets its answer also over HTTP/1.0, which knows no 100 Continue", async () => {
    const caller = await connect(true);
    caller.socket.end(post("demand", JSON.stringify({ do: "sleep", ms: 400 })).replace("HTTP/1.1", "HTTP/1.0"));
    const text = await caller.closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"do":"sleep","ms":400\}$/);
  });

  it("still gets its whole stream when that has ended and has not all been read yet", async () => {
    const caller = await connect(true);
    caller.socket.pause();
    // As many as are sent before the first is read, and more than the kernel holds.
    caller.write(post("counted", "32", { accept: "text/event-stream" }));
    await modelIs("counted", ({ unsettled }) => unsettled === 1);
    await modelIs("counted", ({ unsettled }) => unsettled === 0);
    caller.socket.end();
    for (let turn = 0; turn < 20; turn++) await daemon.state();
    caller.socket.resume();
    const text = await caller.closed();
    expect([text.length > 8_000_000, text.endsWith("0\r\n\r\n")]).toEqual([true, true]);
  });

  it("inside its body is told that this is no request", async () => {
    const caller = await connect(true);
    caller.socket.end(post("echo", "12345", { "content-length": "10" }));
    expect(await caller.closed()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("what HTTP/1.1 allows", () => {
  it.each(["http://gatehouse.example:8000/v1/infer/echo", "HTTPS://x/v1/infer/echo?a=http://y"])(
    "takes a target that names the server: %s",
    async (target) => {
      const caller = await connect();
      caller.write(post("echo", "[1]", { connection: "close" }).replace("/v1/infer/echo", target));
      expect(await caller.closed()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\[1\]$/);
    },
  );

  it.each(["http://x", "http://x?/livez", "x://y/livez", "*"])("finds nothing at the target %s", async (target) => {
    const caller = await connect();
    caller.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(await caller.closed()).toMatch(/^HTTP\/1\.1 404 /);
  });

  it.each([
    ["chunked", 200],
    ["Chunked", 200],
    ["gzip, chunked", 400],
    ["chunked, chunked", 400],
    ["gzip", 400],
  ])("answers a body in the transfer coding %s with %i", async (coding, status) => {
    const caller = await connect();
    const head = post("echo", "", { "transfer-encoding": coding, connection: "close" });
    caller.write(`${head.replace(/content-length: 0\r\n/, "")}3\r\n[1]\r\n0\r\n\r\n`);
    expect(await caller.closed()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it("answers pipelined requests in their order", async () => {
    const caller = await connect();
    caller.write(
      post("demand", '{"do":"sleep","ms":100}') +
        post("echo", '"second"') +
        post("echo", '"third"', { connection: "close" }),
    );
    const text = await caller.closed();
    expect(text.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(3);
    expect(text.indexOf('"second"')).toBeGreaterThan(text.indexOf('"sleep"'));
    expect(text.indexOf('"third"')).toBeGreaterThan(text.indexOf('"second"'));
  });

  it("keeps a pipelined answer for as long as the one before it takes, and counts that against no reader", async () => {
    const caller = await connect();
    caller.write(post("demand", '{"do":"sleep","ms":900}') + post("echo", '"second"', { connection: "close" }));
    expect(await caller.closed()).toMatch(/"ms":900\}HTTP\/1\.1 200 OK[\s\S]*"second"$/);
  });

  it("cancels every pipelined request of a caller that leaves", async () => {
    const caller = await connect();
    caller.write(post("demand", SPIN).repeat(4));
    await modelIs("demand", ({ unsettled }) => unsettled === 4);
    caller.socket.destroy();
    await modelIs("demand", ({ unsettled }) => unsettled === 0);
  });

  it("says 100 Continue to a caller that asks and may go on", async () => {
    const caller = await connect();
    const [head = "", body = ""] = post("echo", "[1]", { expect: "100-continue", connection: "close" }).split(
      "\r\n\r\n",
    );
    caller.write(`${head}\r\n\r\n`);
    await caller.saw(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    caller.write(body);
    expect(await caller.closed()).toMatch(/HTTP\/1\.1 200 OK[\s\S]*\[1\]$/);
  });

  it("answers a caller that asks and may not without its body", async () => {
    const caller = await connect();
    caller.write(`${post("echo", "", { expect: "100-continue", "content-length": "99999999" })}`);
    const text = await caller.closed();
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toContain("BODY_TOO_LARGE");
  });

  it("lets a caller that sends too much see why before it closes", async () => {
    const caller = await connect();
    caller.write(post("echo", "", { "content-length": "99999999" }));
    for (let i = 0; i < 20; i++) caller.write("x".repeat(100_000));
    expect(await caller.saw(/BODY_TOO_LARGE/)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("refuses what is no HTTP with a problem", async () => {
    const caller = await connect();
    caller.write("hello\r\n\r\n");
    expect(await caller.closed()).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"BAD_REQUEST"/);
  });

  it("gives nobody the refusal of what is no HTTP for the answer to a request before it, and drops that", async () => {
    const caller = await connect(true);
    caller.write(`${post("demand", SPIN)}hello\r\n\r\n`);
    caller.socket.once("end", () => caller.socket.end());
    expect(await caller.closed()).toBe("");
    await modelIs("demand", ({ unsettled }) => unsettled === 0);
  });

  it("refuses headers that are too long", async () => {
    const caller = await connect();
    caller.write(post("echo", "1", { "x-long": "x".repeat(20_000) }));
    expect(await caller.closed()).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe("callers that stall", () => {
  it("loses an upload that stalls at its deadline, and holds only what it sent", async () => {
    const caller = await connect();
    caller.write(post("patient", "x".repeat(1_000), { "content-length": "10000000", "x-request-timeout-ms": "2000" }));
    await stateIs(({ bufferedBytes }) => bufferedBytes === 1_000);
    expect(await caller.saw(/DEADLINE_EXCEEDED/)).toMatch(/^HTTP\/1\.1 504 /);
    await caller.closed();
    await stateIs(({ bufferedBytes }) => bufferedBytes === 0);
  });

  it("loses an upload that brings nothing for stall_ms long before its deadline, and gets back what it held", async () => {
    const caller = await connect();
    caller.write(post("echo", "x".repeat(1_000), { "content-length": "10000000" }));
    const startedAt = performance.now();
    expect(await caller.saw(/DEADLINE_EXCEEDED/)).toMatch(/^HTTP\/1\.1 504 /);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await stateIs(({ bufferedBytes }) => bufferedBytes === 0);
  });

  it("is disconnected when it does not read a large answer, while the worker serves others", async () => {
    const caller = await connect();
    caller.socket.pause();
    caller.write(post("echo", JSON.stringify("x".repeat(15_000_000))));
    await modelIs("echo", ({ unsettled }) => unsettled === 1);
    await modelIs("echo", ({ unsettled }) => unsettled === 0);
    expect((await daemon.infer("echo", 1)).status).toBe(200);
    caller.socket.on("data", () => undefined);
    caller.socket.pause();
    await new Promise<void>((resolve) => {
      // The server's end is gone once writing to it fails.
      const write = () => {
        caller.socket.write("x");
        timer = setTimeout(write, 20);
      };
      let timer = setTimeout(write, 20);
      caller.socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  });

  it("has its stream cancelled when it does not read it, and holds no more than the window", async () => {
    const caller = await connect();
    caller.write(post("wide", "1", { accept: "text/event-stream" }));
    await caller.saw(/data: "x/);
    caller.socket.pause();
    await modelIs("wide", ({ workers, unsettled }) => unsettled === 0 && workers[0]?.inFlight === 0);
    caller.socket.destroy();
  });

  it("has its stream for as long as it reads steadily, however long the whole window takes it", async () => {
    const caller = await connect();
    // 5 MB/s at most: the 8 MiB of a window are with it after more than stall_ms.
    caller.socket.on("data", () => {
      caller.socket.pause();
      setTimeout(() => caller.socket.resume(), 12);
    });
    caller.write(post("steady", "1", { accept: "text/event-stream" }));
    await new Promise<void>((resolve, reject) => {
      caller.socket.on("data", () => {
        if (caller.socket.bytesRead > 24_000_000) resolve();
      });
      caller.socket.once("close", () => reject(new Error(`cut after ${caller.socket.bytesRead} bytes`)));
    });
    caller.socket.destroy();
  });

  it("holds no more than a caller's share of answers that nobody reads, and refuses it more", async () => {
    const callers = await Promise.all(Array.from({ length: 8 }, () => connect()));
    for (const caller of callers) {
      caller.socket.pause();
      caller.write(post("large", "1"));
    }
    let most = 0;
    let refused = false;
    void daemon
      .logged(({ code }) => code === "OVERLOADED")
      .then(() => {
        refused = true;
      });
    await stateIs(({ bufferedBytes }) => {
      most = Math.max(most, bufferedBytes);
      return refused;
    });
    expect(most).toBeLessThanOrEqual(20_000_000);
    for (const caller of callers) caller.socket.destroy();
    await stateIs(({ bufferedBytes }) => bufferedBytes === 0);
  });

  it("refuses bodies beyond max_buffered_bytes with OVERLOADED, and takes them again later", async () => {
    const body = JSON.stringify("x".repeat(12_000_000));
    const callers = await Promise.all([1, 2].map(() => connect()));
    for (const caller of callers)
      caller.write(post("patient", body.slice(0, 9_990_000), { "content-length": String(body.length) }));
    await stateIs(({ bufferedBytes }) => bufferedBytes >= 19_900_000);
    const refused = await daemon.infer("echo", "x".repeat(1_000_000));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    for (const caller of callers) caller.socket.destroy();
    await stateIs(({ bufferedBytes }) => bufferedBytes === 0);
    expect((await daemon.infer("echo", "x".repeat(1_000_000))).status).toBe(200);
  });
});

async function stateIs(holds: (state: AdminState) => boolean): Promise<void> {
  while (!holds(await daemon.state()));
}

async function pidOf(model: string): Promise<number | null | undefined> {
  const { models } = await daemon.state();
  return models.find(({ name }) => name === model)?.workers[0]?.pid;
}
