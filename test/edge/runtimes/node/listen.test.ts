import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Fetch, type Listening, listen } from "../../../../src/runtimes/node/listen.ts";

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function serve(fetch: Fetch): Promise<Listening> {
  const listening = await listen({ fetch, host: "127.0.0.1", port: 0 });
  opened.push(listening);
  return listening;
}

async function dial({ url }: Listening): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.setEncoding("utf8");
  opened.unshift({ close: () => socket.destroy() });
  await once(socket, "connect");
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const request = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";

describe("listening on Node", () => {
  it("answers a caller that closed its sending side and waits", async () => {
    let answerNow = (_: Response) => {};
    const socket = await dial(await serve(() => new Promise((resolve) => (answerNow = resolve))));
    socket.end(request);
    await once(socket, "data");
    answerNow(new Response("late but whole"));
    expect(await readAll(socket)).toMatch(/HTTP\/1\.1 200 OK[\s\S]*late but whole/);
  });

  it("tells the handler of a caller that left", async () => {
    const arrived = resolvers<Request>();
    const socket = await dial(
      await serve((received) => {
        arrived.resolve(received);
        return new Promise((resolve) => received.signal.addEventListener("abort", () => resolve(new Response())));
      }),
    );
    socket.write(request);
    const { signal } = await arrived.promise;
    const aborted = once(signal, "abort");
    socket.destroy();
    await aborted;
    expect(signal.aborted).toBe(true);
  });

  it.each(["closes", "resets"] as const)("tells every handler of a caller that pipelined and %s", async (how) => {
    const signals: AbortSignal[] = [];
    const both = resolvers<void>();
    const socket = await dial(
      await serve((received) => {
        if (signals.push(received.signal) === 2) both.resolve();
        return new Promise((resolve) => received.signal.addEventListener("abort", () => resolve(new Response())));
      }),
    );
    socket.write(request + request);
    await both.promise;
    const aborted = Promise.all(signals.map((signal) => once(signal, "abort")));
    if (how === "closes") socket.destroy();
    else socket.resetAndDestroy();
    await aborted;
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
  });

  it("answers all that a caller pipelined before it closed its sending side", async () => {
    const answerNow: ((answer: Response) => void)[] = [];
    const both = resolvers<void>();
    const socket = await dial(
      await serve(() => new Promise((resolve) => answerNow.push(resolve) === 2 && both.resolve())),
    );
    socket.end(request + request);
    await both.promise;
    await once(socket, "data");
    answerNow[1]?.(new Response("second"));
    answerNow[0]?.(new Response("first"));
    expect(await readAll(socket)).toMatch(/HTTP\/1\.1 200 OK[\s\S]*first[\s\S]*HTTP\/1\.1 200 OK[\s\S]*second/);
  });

  it("lets a handler cut the connection that its request came by", async () => {
    const socket = await dial(
      await serve((_request, { breakOff }) => {
        const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
          breakOff?.();
          controller.close();
        };
        return new Response(
          new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("half")), pull }),
        );
      }),
    );
    socket.write(request);
    // The empty chunk that ends a body is not there.
    expect(await readAll(socket).catch(() => "")).not.toContain("\r\n0\r\n");
  });

  it("closes a connection whose caller has nothing more to say", async () => {
    const socket = await dial(await serve(() => new Response("ok")));
    socket.end();
    expect(await readAll(socket)).toBe("");
  });

  it.each([
    ["what is not HTTP", "GARBAGE\r\n\r\n", "The request is not HTTP/1.1."],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
      "not HTTP/1.1",
    ],
    ["endless headers", `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, "headers are too large"],
  ])("answers %s with a problem and closes", async (_what, bytes, sentence) => {
    const socket = await dial(await serve(() => new Response("reached")));
    socket.write(bytes);
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"BAD_REQUEST"/);
    expect(answer).toContain(sentence);
  });

  it("says in a sentence that the port is taken", async () => {
    const { url } = await serve(() => new Response());
    const port = Number(new URL(url).port);
    await expect(listen({ fetch: () => new Response(), host: "127.0.0.1", port })).rejects.toThrow(
      `The edge cannot listen on 127.0.0.1 port ${port}: another program is using it`,
    );
  });
});

function resolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
