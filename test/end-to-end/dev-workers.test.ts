import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../fixtures/free-port.ts";
import { processesIn } from "../fixtures/processes-in.ts";
import { startProgram } from "../fixtures/program.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const temp = mkdtempSync(join(tmpdir(), "gh-dev-"));

afterAll(() => {
  for (const { pid } of processesIn(temp)) process.kill(pid, "SIGKILL");
  rmSync(temp, { recursive: true, force: true });
});

describe("npm run dev:workers", () => {
  test("serves the deployed bundle with its daemon, and a Ctrl-C leaves neither processes nor files", async () => {
    // Postgres, started by root, runs as somebody else, who must be able to enter.
    chmodSync(temp, 0o755);
    const [edgePort, daemonPort] = [await freePort(), await freePort()];
    const program = startProgram("npm", ["run", "dev:workers"], {
      cwd: checkout,
      env: { ...process.env, TMPDIR: temp, EDGE_PORT: String(edgePort), DAEMON_PORT: String(daemonPort) },
      detached: true,
    });
    await program.printed(
      new RegExp(`^ready edge=http://127.0.0.1:${edgePort} daemon=http://127.0.0.1:${daemonPort}$`, "m"),
    );
    const answer = await fetch(`http://127.0.0.1:${edgePort}/v1/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "ann@example.com", password: "correct horse battery staple" }),
    });
    expect(answer.status).toBe(201);

    process.kill(-(program.child.pid ?? 0), "SIGINT");
    await program.closed;
    expect(processesIn(temp)).toEqual([]);
    expect(readdirSync(temp).filter((name) => name.startsWith("gatehouse-"))).toEqual([]);
  });
});
