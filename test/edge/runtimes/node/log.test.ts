import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, createReadStream, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createLog } from "../../../../src/runtimes/node/log.ts";

it("holds nobody up for a log that is not read, bounds what waits, and says how many lines were left out", async () => {
  const folder = mkdtempSync(join(tmpdir(), "log-"));
  const fifo = join(folder, "stderr");
  execFileSync("mkfifo", [fifo]);
  const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writing = openSync(fifo, constants.O_WRONLY);
  const log = createLog("test", writing);

  const text = "x".repeat(1_000);
  for (let number = 0; number < 3_000; number++) log.info({ number }, text);
  // Written only after the loop has gone on while a write was stuck.
  await new Promise(setImmediate);

  const lines: { number: number; msg: string; linesLeftOut?: number }[] = [];
  const reader = createInterface({ input: createReadStream("", { fd: openSync(fifo, constants.O_RDONLY) }) });
  for await (const line of reader) {
    lines.push(JSON.parse(line));
    if (lines.length === 1) log.info({ number: -1 }, "after");
    if (lines.at(-1)?.number === -1) break;
  }
  reader.close();
  closeSync(reading);
  rmSync(folder, { recursive: true });

  const last = lines.at(-1);
  const written = lines.length - 1;
  expect(written).toBeLessThan(1_200);
  expect(last?.linesLeftOut).toBe(3_000 - written);
  expect(lines.slice(0, -1).map(({ number }) => number)).toEqual(Array.from({ length: written }, (_, at) => at));
});

it.runIf(existsSync("/dev/full"))("neither ends nor hangs a process whose log takes nothing", async () => {
  const full = openSync("/dev/full", "w");
  const program = fileURLToPath(new URL("../../../fixtures/programs/log-to-full-disk.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", program], { stdio: ["ignore", "ignore", full] });
  closeSync(full);
  try {
    expect(await once(child, "exit")).toEqual([3, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
