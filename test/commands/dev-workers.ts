import { once } from "node:events";
import { generateSigningKeys } from "../../src/auth/signing-keys.ts";
import { checkPorts } from "../../src/cli/set-up/check-ports.mjs";
import { readStartSettings } from "../../src/cli/set-up/settings.mjs";
import { listenForStop } from "../../src/cli/set-up/stop-requests.mjs";
import { visible } from "../../src/cli/up/render-log-line.mjs";
import { serverCommands } from "../../src/cli/up/server-commands.mjs";
import { startServer } from "../../src/cli/up/server-process.mjs";
import { waitUntilReady } from "../../src/cli/up/wait-until-ready.mjs";
import { connectTcp } from "../../src/db/drivers/tcp.ts";
import { migrate } from "../../src/db/migrator/migrate.ts";
import { startNeonLocal } from "../fixtures/neon-local.ts";
import { startPostgres } from "../fixtures/postgres.ts";
import { startWorkerd } from "../fixtures/workerd.ts";

/**
 * `npm run dev:workers`: the bundle that gets deployed, in workerd, rebuilt when a source changes, with Neon's driver against a
 * local endpoint over a real Postgres, and the daemon beside it. The database is new each time and gone afterwards.
 */
const stop = listenForStop(process.env);
const endings: (() => Promise<void>)[] = [];
try {
  await run();
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`gatehouse: ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  for (const end of endings.toReversed()) await end();
  stop.close();
}

async function run(): Promise<void> {
  const settings = readStartSettings(process.env);
  await checkPorts([
    { port: settings.edgePort, setting: "EDGE_PORT", who: "edge" },
    { port: settings.daemonPort, setting: "DAEMON_PORT", who: "daemon" },
  ]);
  const { edge, daemon } = serverCommands({ settings, env: process.env });
  const running = startServer(daemon);
  endings.push(() => running.end({ atOnce: stop.atOnce }));
  await startEdge({ port: settings.edgePort, origin: edge.url, daemonUrl: daemon.url });

  const over = Promise.race([running.ended, once(stop.gracefully, "abort")]);
  const ready = waitUntilReady({
    edgeUrl: edge.url,
    daemonUrl: daemon.url,
    signal: stop.gracefully,
    onWaiting: (sentence) => process.stderr.write(`still waiting: ${sentence}\n`),
    onFailed: (sentence) => process.stderr.write(`${visible(sentence)}\n`),
  });
  const first = await Promise.race([over, ready]);
  if (typeof first === "string" && first.startsWith("ready ")) process.stdout.write(`${first}\n`);
  await over;
  if (!stop.gracefully.aborted) throw new Error(`the ${await running.ended}: ending the rest.`);
}

async function startEdge(options: { readonly port: number; readonly origin: string; readonly daemonUrl: string }) {
  const postgres = await startPostgres();
  endings.push(postgres.stop);
  await migrate({ connect: () => connectTcp({ url: postgres.url }) });
  const neon = await startNeonLocal({ upstream: postgres.url });
  endings.push(neon.stop);
  const workerd = await startWorkerd({
    port: options.port,
    bindings: {
      APP_ORIGIN: options.origin,
      DAEMON_URL: options.daemonUrl,
      DATABASE_URL: neon.url,
      DATABASE_DRIVER: "neon-http",
      NEON_LOCAL_ADDRESS: neon.address,
      SIGNING_KEYS: await generateSigningKeys(),
    },
    onOutput: (text) => process.stderr.write(text),
  });
  endings.push(workerd.stop);
}
