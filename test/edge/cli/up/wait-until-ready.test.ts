import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import { failedModels, waitUntilReady } from "../../../../src/cli/up/wait-until-ready.mjs";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server whose /readyz answers these one after the other, the last for good. */
async function serverThatSays(...answers: { status: number; body: unknown }[]): Promise<string> {
  const server = createServer((_request, response) => {
    const { status, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500, body: "" };
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const model = (name: string, state: string, required = true) => ({ name, state, required });

describe("waitUntilReady", () => {
  const { signal } = new AbortController();
  const onWaiting = () => {};
  const onFailed = () => {};

  test("waits for both and gives the one line that programs read", async () => {
    const edgeUrl = await serverThatSays({ status: 503, body: "" }, { status: 200, body: { ready: true } });
    const daemonUrl = await serverThatSays(
      { status: 503, body: { ready: false, models: [model("echo", "loading")] } },
      { status: 200, body: { ready: true, models: [model("echo", "ready")] } },
    );
    expect(await waitUntilReady({ edgeUrl, daemonUrl, signal, onWaiting, onFailed })).toBe(
      `ready edge=${edgeUrl} daemon=${daemonUrl}`,
    );
  });

  test("names the models that failed, and where to read why, once no other can become ready", async () => {
    const edgeUrl = await serverThatSays({ status: 200, body: { ready: true } });
    const missing = "It could not be loaded.";
    const failing = [{ ...model("a", "failed"), reason: missing }, model("b", "failed"), model("c", "failed", false)];
    const sentences: string[] = [];
    const told = (sentence: string) => sentences.push(sentence);
    const daemonUrl = await serverThatSays(
      { status: 503, body: "not JSON" },
      { status: 503, body: { ready: false, models: [...failing, model("d", "starting")] } },
      { status: 503, body: { ready: false, models: [...failing, model("d", "ready")] } },
    );
    expect(await waitUntilReady({ edgeUrl, daemonUrl, signal, onWaiting, onFailed: told })).toBe(
      `ready edge=${edgeUrl} daemon=${daemonUrl} failed=a,b`,
    );
    expect(sentences).toEqual([
      `model a has failed: ${missing} The daemon's log says why.`,
      "model b has failed. The daemon's log says why.",
    ]);
  });

  test("ends when it is aborted, though nobody answers", async () => {
    const abort = new AbortController();
    const waiting = waitUntilReady({
      edgeUrl: "http://127.0.0.1:9",
      daemonUrl: "http://127.0.0.1:9",
      signal: abort.signal,
      onWaiting,
      onFailed,
    });
    abort.abort();
    await waiting;
  });
});

describe("waitUntilReady, when it takes long", () => {
  afterEach(() => vi.useRealTimers());

  test("says every ten seconds what is missing", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const detail = "The database does not answer at this moment.";
    const edgeUrl = await serverThatSays({ status: 503, body: { detail } });
    const daemonUrl = await serverThatSays({
      status: 503,
      body: { ready: false, models: [model("a", "ready"), model("b", "loading")] },
    });
    const said: string[] = [];
    const abort = new AbortController();
    const both = Promise.all(servers.map((server) => once(server, "request")));
    const waiting = waitUntilReady({
      edgeUrl,
      daemonUrl,
      signal: abort.signal,
      onWaiting: (sentence) => said.push(sentence),
      onFailed: () => {},
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(said).toEqual(["the edge does not answer yet", "the daemon does not answer yet"]);
    await both;
    await vi.waitFor(() => {
      said.length = 0;
      vi.advanceTimersByTime(10_000);
      expect(said).toEqual([`the edge is not ready: ${detail}`, "models are not ready: b (loading)"]);
    });
    abort.abort();
    await waiting;
  });
});

describe("failedModels", () => {
  test("waits while a required model may still become ready, and gives up on it when it is late", () => {
    const models = [model("a", "failed"), model("b", "loading")];
    expect(failedModels({ models, late: false })).toBeUndefined();
    expect(failedModels({ models, late: true })).toEqual(models);
  });

  test("has no answer when the daemon says nothing of its models", () => {
    expect(failedModels({ models: [], late: true })).toBeUndefined();
  });
});
