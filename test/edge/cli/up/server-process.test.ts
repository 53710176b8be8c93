import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DRAIN_TIMEOUT_MS } from "../../../../src/cli/up/server-commands.mjs";
import { startServer } from "../../../../src/cli/up/server-process.mjs";
import { processesIn } from "../../../fixtures/processes-in.ts";

const STUBBORN = fileURLToPath(new URL("../../../fixtures/stubborn-server.mjs", import.meta.url));

const start = (args: string[]) => startServer({ name: "edge", url: "", args, env: process.env });

/** Resolves once the server's log, which goes to our stderr, says so. */
async function startStubborn() {
  const running = new Promise<void>((resolve) => {
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      if (String(text).includes("running")) resolve();
      return true;
    });
  });
  const server = start([STUBBORN]);
  await running;
  return server;
}

afterEach(() => vi.restoreAllMocks());

describe("startServer", () => {
  test("says how a server ended that ended by itself", async () => {
    expect(await start(["--eval", "process.exit(3)"]).ended).toBe("edge ended by itself (exit code 3)");
    expect(await start(["--eval", "process.kill(process.pid, 'SIGKILL')"]).ended).toBe(
      "edge ended by itself (SIGKILL)",
    );
  });

  test("kills a server at once that was asked to end at once", async () => {
    const atOnce = new AbortController();
    const server = await startStubborn();
    const ending = server.end({ atOnce: atOnce.signal });
    atOnce.abort();
    await ending;
    expect(processesIn(STUBBORN)).toEqual([]);
  });

  test("kills a server that does not end when it is asked to, 5 s after that at the latest", async () => {
    const server = await startStubborn();
    const askedAt = performance.now();
    await server.end({ atOnce: new AbortController().signal });
    const tookMs = performance.now() - askedAt;
    expect(tookMs).toBeGreaterThan(DRAIN_TIMEOUT_MS);
    expect(tookMs).toBeLessThan(5_000);
    expect(processesIn(STUBBORN)).toEqual([]);
  });
});
