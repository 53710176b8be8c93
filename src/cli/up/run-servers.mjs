import { visible } from "./render-log-line.mjs";
import { serverCommands } from "./server-commands.mjs";
import { startServer } from "./server-process.mjs";
import { waitUntilReady } from "./wait-until-ready.mjs";

/**
 * Runs edge and daemon until this process is asked to end or one of them ends by itself; then ends both.
 *
 * @param {object} options
 * @param {import("../set-up/settings.mjs").StartSettings} options.settings
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import("../set-up/stop-requests.mjs").StopRequests} options.stop
 * @returns {Promise<number>} the exit code: 0 when it was asked to end, 1 when a server ended by itself
 */
export async function runServers({ settings, env, stop }) {
  if (stop.gracefully.aborted) return 0;
  const { edge, daemon } = serverCommands({ settings, env });
  const servers = [startServer(edge), startServer(daemon)];
  const over = Promise.race([untilAborted(stop.gracefully), ...servers.map((server) => server.ended)]);

  const waiting = new AbortController();
  waitUntilReady({
    edgeUrl: edge.url,
    daemonUrl: daemon.url,
    signal: waiting.signal,
    onWaiting: (sentence) => process.stderr.write(`still waiting: ${sentence}\n`),
    onFailed: (sentence) => process.stderr.write(`${visible(sentence)}\n`),
  }).then((line) => {
    if (!waiting.signal.aborted) process.stdout.write(`${line}\n`);
  });
  const reason = await over;
  waiting.abort();
  const asked = stop.gracefully.aborted;
  const errors = asked ? process.stdout : process.stderr;
  errors.write(
    asked ? `\nending (${reason}); a second Ctrl-C ends at once\n` : `gatehouse: the ${reason}: ending the rest.\n`,
  );
  await Promise.all(servers.map((server) => server.end({ atOnce: stop.atOnce })));
  return asked ? 0 : 1;
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the reason
 */
function untilAborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(String(signal.reason));
    signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
}
