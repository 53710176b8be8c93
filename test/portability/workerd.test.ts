import { generateSigningKeys } from "../../src/auth/signing-keys.ts";
import { connectTcp } from "../../src/db/drivers/tcp.ts";
import { migrate } from "../../src/db/migrator/migrate.ts";
import { startDaemon } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/free-port.ts";
import { startNeonLocal } from "../fixtures/neon-local.ts";
import { startPostgres } from "../fixtures/postgres.ts";
import { startWorkerd } from "../fixtures/workerd.ts";
import { describeEdge } from "./http-suite.ts";
import { modelsToml } from "./models.ts";

describeEdge("workerd with Neon's driver", async (stopLater) => {
  const [edgePort, daemonPort] = await Promise.all([freePort(), freePort()]);
  const origin = `http://127.0.0.1:${edgePort}`;
  const postgres = await startPostgres();
  stopLater(postgres.stop);
  await migrate({ connect: () => connectTcp({ url: postgres.url }) });
  const neon = await startNeonLocal({ upstream: postgres.url });
  stopLater(neon.stop);
  const edge = await startWorkerd({
    port: edgePort,
    bindings: {
      APP_ORIGIN: origin,
      DATABASE_URL: neon.url,
      DATABASE_DRIVER: "neon-http",
      NEON_LOCAL_ADDRESS: `127.0.0.1:${neon.port}`,
      DAEMON_URL: `http://127.0.0.1:${daemonPort}`,
      PASSWORD_PROFILE: "development",
      SIGNING_KEYS: JSON.stringify(JSON.parse(await generateSigningKeys())),
    },
  });
  stopLater(edge.stop);
  const daemon = await startDaemon({ port: daemonPort, configPath: modelsToml, issuer: origin });
  stopLater(daemon.stop);
  return { edgeUrl: origin, daemonUrl: daemon.url };
});
