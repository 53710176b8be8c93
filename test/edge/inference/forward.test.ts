import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createForward, type WhenBroken } from "../../../src/inference/forward.ts";

const target = { path: "/v1/infer/echo", userId: "user-1", sessionId: "session-1", requestId: "request-1" };
const unwatched: WhenBroken = { report: () => undefined, breakOff: undefined };
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A daemon's HTTP side that answers as told; the forward under test reaches it over real sockets. */
async function daemonThat(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  whenBroken = unwatched,
): Promise<(request: Request) => Promise<Response>> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const forward = createForward({
    daemonUrl: `http://127.0.0.1:${port}`,
    accessToken: async ({ userId, sessionId }) => `token-of-${userId}-${sessionId}`,
  });
  return (request) => forward(request, target, whenBroken);
}

function post(init: RequestInit = {}): Request {
  return new Request("http://edge.example/v1/infer/echo", { method: "POST", body: "{}", ...init });
}

describe("forwarding to the daemon", () => {
  it("keeps the caller's cookie and token here, says what the body is, and sends the edge's token instead", async () => {
    let received: IncomingMessage | undefined;
    const forward = await daemonThat((request, response) => {
      received = request;
      response.end("{}");
    });
    const headers = {
      cookie: "gatehouse=secret",
      authorization: "Bearer secret",
      "content-encoding": "gzip",
      "content-type": "application/json",
      "x-forwarded-for": "10.0.0.1",
      "x-request-timeout-ms": "250",
    };
    await forward(post({ headers }));
    expect(received?.url).toBe("/v1/infer/echo");
    expect(received?.headers).toMatchObject({
      authorization: "Bearer token-of-user-1-session-1",
      "content-encoding": "gzip",
      "content-type": "application/json",
      "x-request-id": "request-1",
      "x-request-timeout-ms": "250",
    });
    expect(received?.headers).not.toHaveProperty("cookie");
    expect(received?.headers).not.toHaveProperty("x-forwarded-for");
  });

  it("passes on each chunk of an answer as it comes", async () => {
    let daemonSide: ServerResponse | undefined;
    const forward = await daemonThat((_request, response) => {
      daemonSide = response;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    const answer = await forward(post());
    const reader = answer.body?.getReader();
    const text = async () => new TextDecoder().decode((await reader?.read())?.value);
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(await text()).toBe("data: 1\n\n");
    daemonSide?.end("data: 2\n\n");
    expect(await text()).toBe("data: 2\n\n");
    expect(await reader?.read()).toMatchObject({ done: true });
  });

  it("passes on each chunk of a body as it comes", async () => {
    const chunks: string[] = [];
    let secondMayGo = () => {};
    const forward = await daemonThat((request, response) => {
      request.on("data", (chunk: Buffer) => {
        chunks.push(chunk.toString());
        secondMayGo();
      });
      request.on("end", () => response.end("{}"));
    });
    const firstArrived = new Promise<void>((resolve) => {
      secondMayGo = resolve;
    });
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("[1,"));
        await firstArrived;
        controller.enqueue(new TextEncoder().encode("2]"));
        controller.close();
      },
    });
    await forward(post({ body, duplex: "half" } as RequestInit));
    expect(chunks).toEqual(["[1,", "2]"]);
  });

  it("passes on the daemon's own errors with their status and Retry-After", async () => {
    const forward = await daemonThat((_request, response) => {
      response.writeHead(429, { "content-type": "application/problem+json", "retry-after": "2", "set-cookie": "a=b" });
      response.end('{"code":"OVERLOADED"}');
    });
    const answer = await forward(post());
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("2");
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(await answer.json()).toEqual({ code: "OVERLOADED" });
  });

  it("does not tell a signed-in caller to sign in when the daemon refuses the edge", async () => {
    const forward = await daemonThat((_request, response) => {
      response.writeHead(401);
      response.end();
    });
    await expect(forward(post())).rejects.toMatchObject({ code: "DAEMON_UNREACHABLE" });
  });

  it("lets go of the daemon when the caller leaves", async () => {
    const caller = new AbortController();
    const { promise: left, resolve } = deferred();
    const reports: Error[] = [];
    const forward = await daemonThat(
      (_request, response) => {
        response.on("close", resolve);
        response.write("data: 1\n\n");
      },
      { ...unwatched, report: (error) => reports.push(error) },
    );
    const answer = await forward(post({ signal: caller.signal }));
    caller.abort();
    await left;
    await expect(answer.text()).rejects.toThrow();
    expect(reports).toEqual([]);
  });

  it("reports an answer that the daemon breaks off, and never gives it an end", async () => {
    const reports: Error[] = [];
    const forward = await daemonThat((_request, response) => response.write("data: 1\n\n", () => response.destroy()), {
      ...unwatched,
      report: (error) => reports.push(error),
    });
    await expect((await forward(post())).text()).rejects.toThrow();
    expect(reports).toMatchObject([{ code: "DAEMON_UNREACHABLE", cause: expect.any(Error) }]);
  });

  it("says that nobody is there, and follows no redirect", async () => {
    const nobody = createForward({ daemonUrl: "http://127.0.0.1:1", accessToken: async () => "token" });
    await expect(nobody(post(), target, unwatched)).rejects.toMatchObject({ code: "DAEMON_UNREACHABLE" });
    const forward = await daemonThat((_request, response) => {
      response.writeHead(302, { location: "http://127.0.0.1:1/" });
      response.end();
    });
    expect((await forward(post())).status).toBe(302);
  });
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
