import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DaemonInProcess, ECHO, fixture, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";

let daemon: DaemonInProcess;

beforeAll(async () => {
  daemon = await startDaemonInProcess(`
    [daemon]
    max_body_bytes = 1000000
    [models.echo]
    class = "${ECHO}"
    [models.demand]
    class = "${fixture("misbehaving.py", "OnDemand")}"
    [models.broken]
    class = "${fixture("misbehaving.py", "LoadRaises")}"
    required = false
  `);
  await daemon.ready();
});

afterAll(() => daemon[Symbol.asyncDispose]());

interface BadRequest {
  readonly title: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly status: number;
  readonly code: string;
}

const BAD_REQUESTS: readonly BadRequest[] = [
  { title: "malformed JSON", body: '{"a":', status: 400, code: "BAD_REQUEST" },
  { title: "an empty body", body: "", status: 400, code: "BAD_REQUEST" },
  {
    title: "bytes that are not UTF-8",
    body: '"\ud800"',
    headers: { "x-request-timeout-ms": "0" },
    status: 400,
    code: "BAD_REQUEST",
  },
  {
    title: "a timeout that is no number",
    headers: { "x-request-timeout-ms": "soon" },
    status: 400,
    code: "BAD_REQUEST",
  },
  {
    title: "another content type",
    headers: { "content-type": "text/plain" },
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  { title: "a body over the limit", body: JSON.stringify("x".repeat(1_000_000)), status: 413, code: "BODY_TOO_LARGE" },
  { title: "a model that is not there", path: "/v1/infer/nothing", status: 404, code: "MODEL_NOT_FOUND" },
  { title: "a model's name with a stray percent sign", path: "/v1/infer/%zz", status: 400, code: "BAD_REQUEST" },
  { title: "a path that is not there", path: "/v1/nothing", status: 404, code: "NOT_FOUND" },
  { title: "a model that failed to load", path: "/v1/infer/broken", status: 503, code: "MODEL_NOT_READY" },
  { title: "another method", method: "PUT", status: 405, code: "METHOD_NOT_ALLOWED" },
];

describe("POST /v1/infer/:model", () => {
  it("answers any JSON with the model's JSON", async () => {
    for (const value of [null, 1.5, "text – ☃", [], { a: [1, { b: true }] }]) {
      const response = await daemon.infer("echo", value);
      expect([response.status, response.headers.get("content-type"), await response.json()]).toEqual([
        200,
        "application/json",
        value,
      ]);
    }
  });

  it("passes a body of several socket reads through unchanged", async () => {
    const value = "ab☃".repeat(150_000);
    const response = await daemon.infer("echo", value);
    expect(await response.json()).toBe(value);
  });

  it("takes a chunked body", async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const piece of ["[1,", "2,", "3]"]) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    const response = await daemon.infer("echo", null, { body, duplex: "half" } as RequestInit);
    expect(await response.json()).toEqual([1, 2, 3]);
  });

  it("keeps a caller's request id, and makes one for a caller without", async () => {
    const kept = await daemon.infer("echo", 1, { headers: { "x-request-id": "abc-1.2_3" } });
    const made = await daemon.infer("echo", 1, { headers: { "x-request-id": "not one" } });
    expect(kept.headers.get("x-request-id")).toBe("abc-1.2_3");
    expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(BAD_REQUESTS)(
    "answers $title with $code",
    async ({ path = "/v1/infer/echo", method = "POST", headers, body = "1", status, code }) => {
      const response = await fetch(daemon.url + path, {
        method,
        headers: { "content-type": "application/json", ...headers },
        body,
      });
      const problem = (await response.json()) as Record<string, unknown>;
      expect([response.status, problem.status, problem.code]).toEqual([status, status, code]);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(problem.detail).toMatch(/^[A-Z].*[.:]/);
      expect(problem.requestId).toBe(response.headers.get("x-request-id"));
      expect(JSON.stringify(problem)).not.toMatch(/\.ts:| {4}at /);
      if (status === 405) expect(response.headers.get("allow")).toBe("POST");
      if (status === 503) expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    },
  );

  it("answers what a model raises with MODEL_ERROR, and keeps its traceback to the log", async () => {
    const response = await daemon.infer("demand", { do: "raise" }, { headers: { "x-request-id": "find-me" } });
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([500, "MODEL_ERROR"]);
    expect(text).not.toMatch(/ZeroDivision|Traceback/);
    await daemon.logged(({ message }) => message.includes("ZeroDivisionError"));
  });

  it("answers DEADLINE_EXCEEDED when the caller's time is over, and goes on serving", async () => {
    const response = await daemon.infer(
      "demand",
      { do: "sleep", ms: 300 },
      { headers: { "x-request-timeout-ms": "50" } },
    );
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([504, "DEADLINE_EXCEEDED"]);
    expect((await daemon.infer("demand", 1)).status).toBe(200);
  });
});

describe("POST /v1/infer/:model as a stream", () => {
  const accept = { accept: "text/event-stream" };

  it("sends each thing the model yields as an event", async () => {
    const response = await daemon.infer("demand", { events: 3 }, { headers: accept });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(await response.text()).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
  });

  it("streams more than the credit window", async () => {
    const response = await daemon.infer("demand", { events: 5_000 }, { headers: accept });
    expect((await response.text()).split("\n\n").length).toBe(5_001);
  });

  it("ends a stream that fails after it began with an error event", async () => {
    const response = await daemon.infer("demand", { events: 1, do: "raise" }, { headers: accept });
    const text = await response.text();
    expect(text.startsWith("data: 0\n\nevent: error\ndata: ")).toBe(true);
    expect(JSON.parse(text.split("data: ")[2] ?? "").code).toBe("MODEL_ERROR");
  });

  it("answers a stream that cannot begin as any other error", async () => {
    const response = await fetch(`${daemon.url}/v1/infer/demand`, {
      method: "POST",
      headers: { ...accept, "content-type": "application/json" },
      body: "{",
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
  });
});

describe("the daemon's other routes", () => {
  it("lists the models as OpenAI's API does", async () => {
    const body = await (await fetch(`${daemon.url}/v1/models`)).json();
    expect(body).toMatchObject({
      object: "list",
      data: expect.arrayContaining([
        { id: "echo", object: "model", created: expect.any(Number), owned_by: "gatehouse" },
      ]),
    });
  });

  it("is ready although a model that is not required has failed, and says which, but an exception's words to nobody", async () => {
    const response = await fetch(`${daemon.url}/readyz`);
    const body = (await response.json()) as { models: { name: string }[] };
    expect(response.status).toBe(200);
    expect(body.models.find(({ name }) => name === "broken")).toEqual({
      name: "broken",
      state: "failed",
      required: false,
      reason: "It could not be loaded.",
    });
  });

  it("answers HEAD with the headers of GET and nothing else", async () => {
    const head = await fetch(`${daemon.url}/v1/models`, { method: "HEAD" });
    const get = await fetch(`${daemon.url}/v1/models`);
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
      200,
      get.headers.get("content-length"),
      "",
    ]);
  });

  it("serves metrics that count what happened", async () => {
    await daemon.infer("echo", 1);
    const text = await (await fetch(`${daemon.url}/metrics`)).text();
    expect(text).toMatch(/gatehouse_requests_total\{model="echo",outcome="ok"\} \d+/);
    expect(text).toContain('gatehouse_model_ready{model="broken"} 0');
    expect(text).toMatch(/gatehouse_buffered_bytes 0\n/);
  });
});
