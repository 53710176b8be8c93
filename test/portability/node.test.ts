import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEdge } from "../../src/runtimes/node/edge.ts";
import { startDaemon } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/free-port.ts";
import { describeEdge } from "./http-suite.ts";
import { modelsToml } from "./models.ts";

describeEdge("Node with PGlite", async (stopLater) => {
  const dataDir = mkdtempSync(join(tmpdir(), "gatehouse-node-"));
  stopLater(() => rm(dataDir, { recursive: true }));
  const daemonPort = await freePort();
  const env = { DATA_DIR: dataDir, DAEMON_URL: `http://127.0.0.1:${daemonPort}`, PASSWORD_PROFILE: "development" };
  const edge = await startEdge({ env, host: "127.0.0.1", port: 0 });
  stopLater(edge.close);
  const daemon = await startDaemon({ port: daemonPort, configPath: modelsToml, issuer: edge.url });
  stopLater(daemon.stop);
  return { edgeUrl: edge.url, daemonUrl: daemon.url };
});
