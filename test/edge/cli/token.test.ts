import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthenticate, requireScope } from "../../../daemon/http/authenticate.ts";
import { generateSigningKeys, parseSigningKeys } from "../../../src/auth/signing-keys.ts";
import { runGatehouse } from "../../fixtures/gatehouse.ts";

describe("gatehouse token", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-token-"));
  const jwks = join(folder, "jwks.json");
  const settings = { APP_ORIGIN: "", DAEMON_AUDIENCE: "", EDGE_PORT: "", SIGNING_KEYS: "", DATA_DIR: folder };

  beforeAll(async () => {
    const keys = await generateSigningKeys();
    writeFileSync(join(folder, "signing-keys.json"), keys, { mode: 0o600 });
    writeFileSync(jwks, JSON.stringify((await parseSigningKeys(keys)).published));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("prints a token alone, which the daemon takes for the scope asked for and no other", async () => {
    const { code, output } = await runGatehouse(["token", "--scope", "admin", "--ttl", "60"], settings);
    expect({ code, lines: output.split("\n").length }).toEqual({ code: 0, lines: 2 });
    const token = output.trim();
    const authenticate = createAuthenticate({
      jwks,
      issuer: "http://127.0.0.1:8787",
      audience: "gatehouse-daemon",
    });
    const caller = await authenticate(`Bearer ${token}`);
    expect(caller).toEqual({ sub: "gatehouse-cli", scopes: new Set(["admin"]) });
    expect(() => requireScope(caller, "infer")).toThrow("scope infer");
    const { exp = 0, iat = 0 } = decodeJwt(token);
    expect(exp - iat).toBe(60);
  });

  it("signs for the edge and the daemon that the settings name, five minutes and infer unless told", async () => {
    const { output } = await runGatehouse(["token", "--origin", "https://login.example.com/"], {
      ...settings,
      DAEMON_AUDIENCE: "gpu",
    });
    const { iss, aud, scope, exp = 0, iat = 0 } = decodeJwt(output.trim());
    expect({ iss, aud, scope, ttl: exp - iat }).toEqual({
      iss: "https://login.example.com",
      aud: "gpu",
      scope: "infer",
      ttl: 300,
    });
  });

  it("refuses in a sentence, and makes nothing, where the edge has no keys yet", async () => {
    const empty = mkdtempSync(join(folder, "empty-"));
    const { code, output } = await runGatehouse(["token"], { ...settings, DATA_DIR: empty });
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringMatching(/^gatehouse: There are no signing keys: .*\.\n$/),
    });
  });

  it.each([[["--ttl", "3601"]], [["--ttl", "0"]], [["--scope", "root"]]])("takes %j for a wrong use", async (flags) => {
    expect((await runGatehouse(["token", ...flags], settings)).code).toBe(2);
  });
});
