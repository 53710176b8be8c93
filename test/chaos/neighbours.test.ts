import { expect, it } from "vitest";
import { ECHO, fixture } from "../fixtures/daemon-in-process.ts";
import { call } from "./caller.ts";
import { startWatchedDaemon, type WatchedDaemon } from "./watched-daemon.ts";

const ON_DEMAND = fixture("misbehaving.py", "OnDemand");

/** Milliseconds that a neighbour's request may take whatever the others do: it waits for none of them, only for a turn on a busy core. */
const BOUND_MS = 1_000;

const CALLERS = 4;

it("answers one model's callers in time while others are stuck, flood, shout and die", async () => {
  await using daemon = await startWatchedDaemon(`
    [models.steady]
    class = "${ECHO}"
    [models.stuck]
    class = "${ON_DEMAND}"
    timeout_ms = 1000
    [models.flooding]
    class = "${ON_DEMAND}"
    max_restarts = 1000
    [models.dying]
    class = "${ON_DEMAND}"
    max_restarts = 1000
  `);
  const ready = (name: string) => daemon.logged(({ message, model }) => message === "model is ready" && model === name);
  await Promise.all(["steady", "stuck", "flooding", "dying"].map(ready));

  let over = false;
  const steady = Array.from({ length: CALLERS }, () => callWhile(() => !over, daemon));
  const misdeeds = await Promise.all([
    misbehave(daemon, "stuck", { do: "hang_in_c", seconds: 60 }),
    misbehave(daemon, "flooding", { do: "flood" }),
    misbehave(daemon, "flooding", { do: "shout" }),
    misbehave(daemon, "dying", { do: "exit", code: 137 }),
    misbehave(daemon, "dying", { do: "garbage" }),
  ]);
  await daemon.logged(({ message, model }) => message === "worker crashed" && model === "stuck");
  over = true;
  const settled = (await Promise.all(steady)).flat();

  expect(settled.length).toBeGreaterThan(CALLERS);
  expect(settled.filter(({ code, waitedMs }) => code !== "ok" || waitedMs > BOUND_MS)).toEqual([]);
  expect(misdeeds[0]).toBe("DEADLINE_EXCEEDED");
  expect(new Set(misdeeds.slice(1))).not.toContain("BROKEN");
});

async function callWhile(holds: () => boolean, { url }: WatchedDaemon) {
  const settled = [];
  while (holds()) settled.push(await call({ url, model: "steady", body: 1, stream: false, patienceMs: 20_000 }));
  return settled;
}

async function misbehave({ url }: WatchedDaemon, model: string, body: object): Promise<string> {
  return (await call({ url, model, body, stream: false, patienceMs: 20_000 })).code;
}
