import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DaemonInProcess, fixture, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";
import { until } from "../../fixtures/until.ts";
import { post, RawCaller } from "./raw-caller.ts";

let daemon: DaemonInProcess;

beforeEach(async () => {
  daemon = await startDaemonInProcess(`
    [daemon]
    max_body_bytes = 1000
    [models.m]
    class = "${fixture("misbehaving.py", "OnDemand")}"
    max_queue = 0
    [models.broken]
    class = "${fixture("misbehaving.py", "LoadRaises")}"
    required = false
  `);
  await daemon.ready();
  await daemon.logged(({ message, model }) => message === "model is failed" && model === "broken");
});

afterEach(() => daemon[Symbol.asyncDispose]());

/** Requests by model and outcome, as /metrics has them. */
async function counts(): Promise<Record<string, number>> {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  const lines = text.matchAll(/^gatehouse_requests_total\{model="([^"]+)",outcome="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, model, outcome, count]) => [`${model} ${outcome}`, Number(count)]));
}

const code = async (response: Promise<Response>) => ((await (await response).json()) as { code: string }).code;

/** Gives the model's one worker something to do; what is returned ends it. */
async function occupy(): Promise<() => void> {
  const [begun, end] = [join(daemon.folder, "begun"), join(daemon.folder, "end")];
  void daemon.infer("m", { do: "wait", until: end, announce: begun });
  await until(() => existsSync(begun));
  return () => writeFileSync(end, "");
}

describe("a request for a model", () => {
  it("is counted once by what became of it, also when it was refused before the model's queue", async () => {
    const plain = { headers: { "content-type": "text/plain" } };
    await daemon.infer("m", 1);
    for (const refused of [
      daemon.infer("m", 1, plain),
      daemon.infer("m", "x".repeat(1_000)),
      daemon.infer("m", 1, { headers: { "x-request-timeout-ms": "soon" } }),
      daemon.infer("m", 1, { method: "PUT" }),
      daemon.infer("broken", 1),
      daemon.infer("nothing", 1),
    ])
      await refused;
    const release = await occupy();
    expect(await code(daemon.infer("m", 1))).toBe("OVERLOADED");
    release();
    const leaver = await RawCaller.connect(daemon.port);
    leaver.write(post("m", "1", { "content-length": "10" }));
    await until(async () => (await daemon.state()).bufferedBytes > 0);
    leaver.socket.destroy();
    await until(async () => (await counts())["m ok"] === 2 && (await counts())["m CANCELLED"] === 1);
    expect(await counts()).toEqual({
      "m ok": 2,
      "m UNSUPPORTED_MEDIA_TYPE": 1,
      "m BODY_TOO_LARGE": 1,
      "m BAD_REQUEST": 1,
      "m METHOD_NOT_ALLOWED": 1,
      "m OVERLOADED": 1,
      "m CANCELLED": 1,
      "broken MODEL_NOT_READY": 1,
    });
  });

  it("that is refused leaves a line with its model and request id, one a second however many there are", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        daemon.infer("broken", 1, { headers: { "x-request-id": `refused-${index}` } }),
      ),
    );
    const lines = () => daemon.log.filter((line) => line.code === "MODEL_NOT_READY");
    await until(() => lines().reduce((sum, { leftOut = 0 }) => sum + 1 + Number(leftOut), 0) === 20);
    expect(lines().length).toBeLessThan(10);
    expect(lines()[0]).toMatchObject({ model: "broken", requestId: expect.stringMatching(/^refused-\d+$/) });
  });

  it("that fails leaves a line with its model, and how long it waited and ran", async () => {
    await daemon.infer("m", { do: "raise" });
    await daemon.infer("m", { do: "sleep", ms: 200 }, { headers: { "x-request-timeout-ms": "100" } });
    const raised = await daemon.logged((line) => line.code === "MODEL_ERROR");
    const late = await daemon.logged((line) => line.code === "DEADLINE_EXCEEDED");
    for (const line of [raised, late])
      expect(line).toMatchObject({ model: "m", waitedMs: expect.any(Number), ranMs: expect.any(Number) });
    expect(Number(late.waitedMs) + Number(late.ranMs)).toBeGreaterThanOrEqual(99);
  });

  it("is answered DRAINING and counted once when its upload is not whole at the end", async () => {
    const caller = await RawCaller.connect(daemon.port);
    caller.write(post("m", "1", { "content-length": "10" }));
    await until(async () => (await daemon.state()).bufferedBytes > 0);
    await daemon.daemon.stop(50);
    expect(await caller.closed()).toMatch(/"code":"DRAINING"/);
    expect(daemon.log.filter((line) => line.code === "DRAINING" && line.model === "m").length).toBe(1);
  });

  it("is refused with a compressed body, in words", async () => {
    const body = gzipSync("1");
    const response = await daemon.infer("m", 1, { body, headers: { "content-encoding": "gzip" } });
    expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([
      415,
      expect.stringContaining("Content-Encoding"),
    ]);
    expect((await daemon.infer("m", 1, { headers: { "content-encoding": "identity" } })).status).toBe(200);
  });
});
