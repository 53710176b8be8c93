import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type HashTimer, median } from "./hash-timer.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const HASH_TIMEOUT_MS = 30_000;

/** Times hashes in workerd, from outside; undefined where wrangler is not installed. */
export async function timeInWorkerd(): Promise<HashTimer | undefined> {
  const wrangler = findWrangler();
  if (wrangler === undefined) return undefined;
  const child = spawn(
    process.execPath,
    [
      ...[wrangler, "dev", "src/runtimes/workers/hash-calibrate.ts", "--ip", "127.0.0.1", "--port", "0"],
      ...["--inspector-port", "0", "--show-interactive-dev-session=false"],
    ],
    {
      cwd: root,
      env: { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const url = await readyUrl(child);
  const request = async (query: string) => {
    const startedAt = performance.now();
    const response = await fetch(`${url}/${query}`, { signal: AbortSignal.timeout(HASH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`workerd answered ${response.status} to a hash.`);
    await response.arrayBuffer();
    return performance.now() - startedAt;
  };
  return {
    async medianMs({ memoryKiB, passes }, rounds) {
      const query = `?m=${memoryKiB}&t=${passes}`;
      await request(query);
      const times: number[] = [];
      // What a request costs that hashes nothing is taken off.
      for (let round = 0; round < rounds; round += 1) times.push((await request(query)) - (await request("")));
      return median(times);
    },
    async end() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

/** wrangler's own entry, since ending `npx` would leave wrangler behind. */
function findWrangler(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("wrangler/package.json");
    return join(dirname(manifest), "wrangler-dist/cli.js");
  } catch {
    return undefined;
  }
}

async function readyUrl(child: ChildProcess): Promise<string> {
  let output = "";
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  return await new Promise((resolve, reject) => {
    const fail = (sentence: string) => {
      child.kill();
      reject(new Error(sentence));
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const match = /Ready on (http:\/\/[\w.:]+)/.exec(output);
        if (match?.[1] !== undefined) resolve(match[1]);
      });
    }
    timeout.addEventListener("abort", () => fail(`wrangler was not ready within ${START_TIMEOUT_MS / 1000} s.`));
    child.once("exit", (code) => fail(`wrangler ended with ${code} before it was ready.`));
  });
}
