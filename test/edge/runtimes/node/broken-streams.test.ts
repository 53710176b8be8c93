import { once } from "node:events";
import { rm } from "node:fs/promises";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGatehouse } from "../../../fixtures/gatehouse.ts";
import { send } from "../../../fixtures/http-client.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";
import type { Program } from "../../../fixtures/program.ts";

const credentials = { email: "reader@example.com", password: "correct horse battery staple" };

/** The edge as it is run, with a server in the daemon's place whose streams the tests break. */
describe("a stream through the edge that breaks", () => {
  let dataDir: string;
  let daemon: Server;
  let edge: Program;
  let url: string;
  let token: string;
  let streamed: (response: ServerResponse) => void;

  beforeAll(async () => {
    daemon = createServer((_request, response) => {
      streamed(response);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    }).listen(0, "127.0.0.1");
    await once(daemon, "listening");
    dataDir = await freshDataDir();
    edge = startGatehouse(["edge", "--port", "0"], {
      DATA_DIR: dataDir,
      DAEMON_URL: `http://127.0.0.1:${(daemon.address() as AddressInfo).port}`,
      PASSWORD_PROFILE: "development",
    });
    [, url = ""] = await edge.printed(/"url":"(http:[^"]+)"/);
    await send(`${url}/v1/auth/register`, { json: credentials });
    const { body } = await send(`${url}/v1/auth/login`, { json: { ...credentials, transport: "bearer" } });
    token = String(body.token);
  });
  afterAll(async () => {
    await edge.stop("SIGKILL");
    daemon.closeAllConnections();
    daemon.close();
    await rm(dataDir, { recursive: true });
  });

  /** Both sides of a stream whose first event has reached the caller. */
  async function openStream(requestId: string): Promise<{ answer: IncomingMessage; daemonSide: ServerResponse }> {
    const reached = new Promise<ServerResponse>((resolve) => {
      streamed = resolve;
    });
    const headers = {
      authorization: `Bearer ${token}`,
      accept: "text/event-stream",
      "content-type": "application/json",
      "x-request-id": requestId,
    };
    const sent = httpRequest(`${url}/v1/infer/echo`, { method: "POST", headers });
    sent.end("{}");
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    await once(answer, "data");
    return { answer, daemonSide: await reached };
  }

  /** Ends the edge as an operator would, and gives all that it wrote. Throws when a line is no JSON. */
  async function endOfLog(): Promise<Record<string, unknown>[]> {
    edge.child.kill("SIGTERM");
    expect(await edge.closed).toBe(0);
    return edge
      .output()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it("is one line of the log when the daemon dies, none when the caller leaves, and never a body with an end", async () => {
    for (const leave of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy()]) {
      const { answer, daemonSide } = await openStream("caller-leaves");
      answer.on("error", () => undefined);
      leave(answer.socket);
      // Whoever only closes is known to be gone by what is written to him.
      while (!daemonSide.destroyed) {
        daemonSide.write("data: 2\n\n");
        await new Promise(setImmediate);
      }
    }

    const { answer, daemonSide } = await openStream("daemon-dies");
    const broken = once(answer, "error");
    daemonSide.destroy();
    expect(await broken).toMatchObject([{ code: "ECONNRESET" }]);
    expect(answer.complete).toBe(false);

    expect(await endOfLog()).toEqual([
      expect.objectContaining({ level: 30, msg: "edge is listening" }),
      expect.objectContaining({
        level: 50,
        time: expect.any(Number),
        msg: "request failed",
        code: "DAEMON_UNREACHABLE",
        requestId: "daemon-dies",
      }),
    ]);
  });
});
