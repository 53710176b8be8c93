/** A login storm in one Node process, whose memory and event loop it watches; prints what it saw as JSON. Argument: who hashes. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { argon2Verify } from "hash-wasm";
import { createNodeHasher } from "../../../src/runtimes/node/hasher.ts";

export interface StormReport {
  readonly rssBeforeMiB: number;
  readonly rssPeakMiB: number;
  readonly storm: LoopReport;
  readonly idle: LoopReport;
  readonly sustained: LoopReport & { readonly hashesPerSecond: number };
}

export interface LoopReport {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const STORM = { hashes: 200, callers: 12 };
const SUSTAINED = { seconds: 6, callers: 16 };
const SAMPLE_MS = 20;
const PASSWORD = "correct horse battery staple";
const STORED = "$argon2id$v=19$m=49152,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const hasher = createNodeHasher({ maxWaitMs: 60_000 });
const verify =
  process.argv[2] === "hash-wasm"
    ? () => argon2Verify({ password: PASSWORD, hash: STORED })
    : () => hasher.verify(PASSWORD, STORED);

const idle = await watchLoop(() => setTimeout(3000));
const rssBeforeMiB = rssMiB();
let rssPeakMiB = rssBeforeMiB;
const sampler = setInterval(() => {
  rssPeakMiB = Math.max(rssPeakMiB, rssMiB());
}, SAMPLE_MS);
const storm = await watchLoop(() => callWithoutPause(STORM.callers, (done) => done < STORM.hashes));
const endAt = performance.now() + SUSTAINED.seconds * 1000;
let hashes = 0;
const sustained = await watchLoop(async () => {
  hashes = await callWithoutPause(SUSTAINED.callers, () => performance.now() < endAt);
});
clearInterval(sampler);
const peak = Math.max(rssPeakMiB, process.resourceUsage().maxRSS / 1024);
const result: StormReport = {
  rssBeforeMiB,
  rssPeakMiB: peak,
  storm,
  idle,
  sustained: { ...sustained, hashesPerSecond: hashes / SUSTAINED.seconds },
};
console.log(JSON.stringify(result));
await hasher.close();

async function callWithoutPause(callers: number, more: (started: number) => boolean): Promise<number> {
  let started = 0;
  const call = async () => {
    while (more(started)) {
      started += 1;
      await verify();
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return started;
}

async function watchLoop(work: () => Promise<unknown>): Promise<LoopReport> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await work();
  delay.disable();
  return { p50Ms: delay.percentile(50) / 1e6, p99Ms: delay.percentile(99) / 1e6 };
}

function rssMiB(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}
