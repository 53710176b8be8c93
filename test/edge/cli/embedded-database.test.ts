import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runGatehouse, startGatehouse } from "../../fixtures/gatehouse.ts";
import { send } from "../../fixtures/http-client.ts";
import { freshDataDir } from "../../fixtures/pglite-folder.ts";
import type { Program } from "../../fixtures/program.ts";

const ACCOUNTS = 20;

describe("commands beside a running edge that owns the embedded database", { timeout: 60_000 }, () => {
  let dataDir: string;
  let edge: Program;
  let url: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    dataDir = await freshDataDir();
    env = { DATABASE_URL: "", DATA_DIR: dataDir, PASSWORD_PROFILE: "development", THROTTLE: "off" };
    edge = startGatehouse(["edge", "--port", "0"], env);
    [, url = ""] = await edge.printed(/"url":"(http:[^"]+)"/);
  });
  afterAll(async () => {
    await edge.stop();
    rmSync(dataDir, { recursive: true });
  });

  it("go through its socket: status, import, wrap and report, and people log in meanwhile", async () => {
    const file = join(dataDir, "accounts.csv");
    const lines = Array.from({ length: ACCOUNTS }, (_, index) => {
      const digest = createHash("sha384").update(`the password of ${index}`).update(`salt ${index}`).digest("base64");
      return `person${index}@example.test,${digest},salt ${index}`;
    });
    writeFileSync(file, ["email,password_hash,salt", ...lines].join("\n"));
    const scheme = ["--algorithm", "sha384", "--order", "password-salt", "--digest-encoding", "base64"];

    expect((await runGatehouse(["db", "status"], env)).output).toMatch(/applied +0002_/);
    expect((await runGatehouse(["users", "import", file, ...scheme], env)).output).toContain(
      `${ACCOUNTS} accounts imported`,
    );
    const logIn = (index: number) =>
      send(`${url}/v1/auth/login`, {
        json: { email: `person${index}@example.test`, password: `the password of ${index}`, transport: "bearer" },
      });
    expect((await logIn(0)).status).toBe(200);
    const wrapping = runGatehouse(["hashes", "wrap", ...scheme], env);
    expect((await logIn(1)).status).toBe(200);
    expect((await wrapping).code).toBe(0);
    expect((await logIn(2)).status).toBe(200);
    const report = await runGatehouse(["hashes", "report"], env);
    expect(report.output).toMatch(/\$argon2id-over-sha384\$v=19\$m=8192,t=1,p=1,o=password-first,e=utf8,i=1/);
    expect(report.output).not.toContain("legacy");
  });

  it("are refused where they need the database for themselves", async () => {
    const { code, output } = await runGatehouse(["db", "migrate"], env);
    expect(output).toContain(`is in use by process ${edge.child.pid}: end that one first`);
    expect(code).toBe(1);
  });
});
