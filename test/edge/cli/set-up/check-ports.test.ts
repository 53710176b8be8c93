import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { checkPorts } from "../../../../src/cli/set-up/check-ports.mjs";
import { freePort } from "../../../fixtures/free-port.ts";

describe("checkPorts", () => {
  test("leaves free ports free", async () => {
    const port = await freePort();
    await checkPorts([{ port, setting: "EDGE_PORT", who: "edge" }]);
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  });

  test("names the port, who wants it and the setting that changes it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await expect(checkPorts([{ port, setting: "DAEMON_PORT", who: "daemon" }])).rejects.toThrow(
      `Port ${port}, which the daemon wants, is taken: end what uses it, or choose another with DAEMON_PORT=<port>.`,
    );
    server.close();
  });
});
