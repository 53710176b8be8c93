import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { createTokenIssuer } from "../../fixtures/access-token.ts";
import { ECHO, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";

it("answers DEADLINE_EXCEEDED in the request's time when the keys to its token do not arrive", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const jwks = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/jwks.json`;
  await using daemon = await startDaemonInProcess(`
    [auth]
    jwks = "${jwks}"
    [models.echo]
    class = "${ECHO}"
  `);
  const token = await (await createTokenIssuer(daemon.folder)).sign({ sub: "anna" });
  const headers = { authorization: `Bearer ${token}`, "x-request-timeout-ms": "200" };
  const response = await daemon.infer("echo", 1, { headers });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([504, "DEADLINE_EXCEEDED"]);
  silent.closeAllConnections();
  silent.close();
});
