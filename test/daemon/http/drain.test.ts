import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DaemonInProcess, ECHO, fixture, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";
import { post, RawCaller } from "./raw-caller.ts";

let daemon: DaemonInProcess;

beforeEach(async () => {
  daemon = await startDaemonInProcess(`
    [models.echo]
    class = "${ECHO}"
    [models.demand]
    class = "${fixture("misbehaving.py", "OnDemand")}"
  `);
  await daemon.ready();
});

afterEach(() => daemon[Symbol.asyncDispose]());

/** A caller that has had an answer, on a connection that stays open. */
async function keptAlive(): Promise<RawCaller> {
  const caller = await RawCaller.connect(daemon.port);
  caller.write(post("echo", '"first"'));
  await caller.saw(/"first"$/);
  return caller;
}

/** A caller whose requests, all on one connection, the model has begun and answers when `release` is called. */
async function busy(requests = 1): Promise<{ caller: RawCaller; release: () => void }> {
  const announce = join(daemon.folder, "begun");
  const until = join(daemon.folder, "go");
  const caller = await RawCaller.connect(daemon.port);
  caller.write(post("demand", JSON.stringify({ do: "wait", until, announce })).repeat(requests));
  while ((await unsettled()) < requests || !existsSync(announce));
  return { caller, release: () => writeFileSync(until, "") };
}

async function unsettled(): Promise<number> {
  const { models } = await daemon.state();
  return models.find(({ name }) => name === "demand")?.unsettled ?? 0;
}

const DRAINING = /HTTP\/1\.1 503 [\s\S]*\r\nconnection: close\r\n[\s\S]*"code":"DRAINING"[^\r]*$/i;

describe("a daemon that drains", () => {
  it("finishes what is in flight, and closes the connection after it", async () => {
    const { caller, release } = await busy();
    const stopped = daemon.daemon.stop(10_000);
    release();
    expect(await caller.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nconnection: close\r\n[\s\S]*"do":"wait"/i);
    await stopped;
  });

  it("finishes pipelined requests, and says only in the last answer that it closes", async () => {
    const { caller, release } = await busy(2);
    const stopped = daemon.daemon.stop(10_000);
    release();
    const [, first = "", second = ""] = (await caller.closed()).split("HTTP/1.1 200 OK");
    expect([/connection: close/i.test(first), /connection: close/i.test(second)]).toEqual([false, true]);
    await stopped;
  });

  it("refuses a request on a new connection, and on one that was open, while it has work", async () => {
    const kept = await keptAlive();
    const { caller, release } = await busy();
    const stopped = daemon.daemon.stop(10_000);
    const fresh = await RawCaller.connect(daemon.port);
    fresh.write(post("echo", "1"));
    kept.write(post("echo", "1"));
    expect(await fresh.closed()).toMatch(DRAINING);
    expect(await kept.closed()).toMatch(DRAINING);
    release();
    await caller.closed();
    await stopped;
  });

  it("refuses a request that was on its way on an open connection when the last work was over", async () => {
    const kept = await keptAlive();
    const stopped = daemon.daemon.stop(10_000);
    kept.write(post("echo", "1"));
    expect(await kept.closed()).toMatch(DRAINING);
    await stopped;
  });

  it("closes connections on which nobody asks any more, and ends", async () => {
    const kept = await keptAlive();
    await daemon.daemon.stop(10_000);
    expect(await kept.closed()).toMatch(/"first"$/);
  });
});
