import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

interface Printed {
  readonly timings: ReadonlyArray<{
    readonly memoryKiB: number;
    readonly hereMs: number;
    readonly workerdMs: number | null;
  }>;
}

it("times in workerd, from outside, whatever an isolate may hold", async () => {
  const command = ["--import", "tsx", "src/cli/main.ts", "hash", "calibrate", "--rounds", "1", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
  });
  const { timings } = JSON.parse(stdout) as Printed;
  const timed = timings.map(({ memoryKiB, workerdMs }) => ({ memoryKiB, timed: workerdMs !== null }));
  expect(timed).toEqual(timings.map(({ memoryKiB }) => ({ memoryKiB, timed: memoryKiB <= 56 * 1024 })));
});
