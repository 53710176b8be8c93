import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../../fixtures/free-port.ts";
import { startWorkerd } from "../../fixtures/workerd.ts";
import type { StormReport } from "./storm-program.ts";

const run = promisify(execFile);
const HASHES = 200;
const CALLERS = 12;

/** 200 logins by 12 callers on Node, then 16 callers without pause: memory and event loop, ours and stock hash-wasm. */
export async function reportStormOnNode(): Promise<void> {
  console.log("\nLogin storm on Node: 200 hashes by 12 callers, then 16 callers without pause for 6 s");
  for (const who of ["ours", "hash-wasm"]) {
    const program = fileURLToPath(new URL("storm-program.ts", import.meta.url));
    const { stdout } = await run(process.execPath, ["--import", import.meta.resolve("tsx"), program, who]);
    const { rssBeforeMiB, rssPeakMiB, idle, storm, sustained } = JSON.parse(stdout) as StormReport;
    const loop = ({ p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }) =>
      `p50 ${p50Ms.toFixed(1)} p99 ${p99Ms.toFixed(1)} ms`;
    console.log(`${who.padEnd(12)}RSS ${rssBeforeMiB.toFixed(0)} -> at most ${rssPeakMiB.toFixed(0)} MiB`);
    console.log(
      `${"".padEnd(12)}event-loop delay: idle ${loop(idle)}; storm ${loop(storm)}; sustained ${loop(sustained)}`,
    );
    console.log(`${"".padEnd(12)}${sustained.hashesPerSecond.toFixed(1)} hashes/s sustained`);
  }
}

/** The same storm on workerd, through HTTP; its memory as Linux counts it. */
export async function reportStormInWorkerd(): Promise<void> {
  const config = fileURLToPath(new URL("../../portability/password/wrangler.toml", import.meta.url));
  const server = await startWorkerd({ port: await freePort(), bindings: {}, config });
  try {
    const pid = workerdBelow(server.pid);
    const logIn = async () => {
      const response = await fetch(`${server.url}/login`, { method: "POST", body: '"correct horse battery staple"' });
      await response.arrayBuffer();
      return response.status;
    };
    const call = (body: string) => fetch(`${server.url}/nothing`, { method: "POST", body });
    await Promise.all(Array.from({ length: CALLERS }, () => call("null").then((response) => response.arrayBuffer())));
    const before = rssMiB(pid);
    let peak = before;
    let started = 0;
    const statuses = new Map<number, number>();
    const caller = async () => {
      while (started < HASHES) {
        started += 1;
        const status = await logIn();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        peak = Math.max(peak, rssMiB(pid));
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    const answers = [...statuses].map(([status, count]) => `${count} x ${status}`).join(", ");
    console.log(`\nLogin storm in workerd: RSS ${before.toFixed(0)} -> at most ${peak.toFixed(0)} MiB; ${answers}`);
  } finally {
    await server.stop();
  }
}

/** The workerd process among the descendants of wrangler's; Linux only. */
function workerdBelow(ancestor: number): number {
  const parents = new Map<number, number>();
  const names = new Map<number, string>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const status = readStatus(Number(entry));
    parents.set(Number(entry), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
    names.set(Number(entry), /^Name:\s+(.*)$/m.exec(status)?.[1] ?? "");
  }
  const isBelow = (pid: number): boolean => pid === ancestor || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  const pids = [...names].filter(([pid, name]) => name === "workerd" && isBelow(pid)).map(([pid]) => pid);
  const [largest] = pids.sort((left, right) => rssMiB(right) - rssMiB(left));
  if (largest === undefined) {
    throw new Error("There is no workerd below wrangler.");
  }
  return largest;
}

function rssMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readStatus(pid))?.[1] ?? 0) / 1024;
}

function readStatus(pid: number): string {
  try {
    return readFileSync(join("/proc", String(pid), "status"), "utf8");
  } catch {
    return "";
  }
}
