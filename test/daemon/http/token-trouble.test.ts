import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createAuthenticate } from "../../../daemon/http/authenticate.ts";
import type { TokenTrouble } from "../../../daemon/http/token-trouble.ts";
import { AUDIENCE, createTokenIssuer, ISSUER, type TokenIssuer } from "../../fixtures/access-token.ts";
import { ECHO, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";
import { freePort } from "../../fixtures/free-port.ts";

let folder: string;
let issuer: TokenIssuer;
let edge: Server | undefined;

beforeAll(async () => {
  folder = mkdtempSync(`${tmpdir()}/gatehouse-test-`);
  issuer = await createTokenIssuer(folder);
});

afterEach(() => edge?.close());
afterAll(() => rmSync(folder, { recursive: true }));

const settings = () => ({ jwks: issuer.jwksPath, issuer: ISSUER, audience: AUDIENCE });

/** What the log and the caller hear of a token. */
async function refuse(token: string, others: object): Promise<{ troubles: TokenTrouble[]; answer: unknown }> {
  const troubles: TokenTrouble[] = [];
  const authenticate = createAuthenticate({ ...settings(), ...others, onTrouble: (trouble) => troubles.push(trouble) });
  const answer = await Promise.resolve()
    .then(() => authenticate(`Bearer ${token}`))
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  return { troubles, answer };
}

/** The address of an edge that answers with `status`; the secret in it must reach no log. */
async function edgeThatAnswers(status: number, body = ""): Promise<string> {
  edge = createServer((_, response) => response.writeHead(status).end(body)).listen(0, "127.0.0.1");
  await new Promise((resolve) => edge?.once("listening", resolve));
  return `http://127.0.0.1:${(edge.address() as AddressInfo).port}/jwks?key=secret`;
}

describe("a token that was not taken", () => {
  it.each(["issuer", "audience"] as const)(
    "names the setting %s and what the token has, never the token",
    async (setting) => {
      const token = await issuer.sign();
      const { troubles, answer } = await refuse(token, { [setting]: "http://another.example" });
      expect(troubles).toEqual([
        {
          setting,
          concernsAll: false,
          message: `a token was refused: it has another ${setting} than [auth]`,
          got: JSON.stringify(setting === "issuer" ? ISSUER : AUDIENCE),
        },
      ]);
      expect(answer).toMatchObject({ code: "UNAUTHENTICATED", message: "The token is not one of ours." });
    },
  );

  it("names the setting jwks when none of its keys has signed it", async () => {
    const other = mkdtempSync(`${folder}/other-`);
    const { troubles, answer } = await refuse(await (await createTokenIssuer(other)).sign(), {});
    expect(troubles).toMatchObject([{ setting: "jwks", concernsAll: false }]);
    expect(answer).toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("is nobody's trouble but its caller's when it has expired or is none; a session's is told where to go", async () => {
    const session = await refuse("c2Vzc2lvbi1zZWNyZXQtb2YtMjU2LWJpdHMtYW5kLW1vcmU", {});
    expect(session.troubles).toEqual([]);
    expect(session.answer).toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringContaining("POST /v1/auth/token at the edge"),
    });
  });

  it.each([
    [404, "", "Expected 200 OK"],
    [200, "no JSON", "JSON"],
    [200, "{}", "no JSON Web Key Set"],
  ])(
    "cannot be checked when the edge answers %i %s: 503, and never the address in the log",
    async (status, body, why) => {
      const { troubles, answer } = await refuse(await issuer.sign(), { jwks: await edgeThatAnswers(status, body) });
      expect(troubles).toMatchObject([{ setting: "jwks", concernsAll: true, message: expect.stringContaining(why) }]);
      expect(JSON.stringify(troubles)).not.toContain("secret");
      expect(answer).toMatchObject({ code: "KEYS_UNAVAILABLE", retryAfterSeconds: 5 });
    },
  );

  it.each([
    ["", "cannot be reached (ECONNREFUSED)"],
    ["user:secret@", "cannot be fetched"],
  ])("cannot be checked without an edge at http://%s…", async (credentials, why) => {
    const jwks = `http://${credentials}127.0.0.1:${await freePort()}/jwks?key=secret`;
    const { troubles } = await refuse(await issuer.sign(), { jwks });
    expect(troubles[0]?.message).toContain(why);
    expect(JSON.stringify(troubles)).not.toContain("secret");
  });
});

it("logs one line a second of the tokens it refuses, counts each for its model, and answers 503 with Retry-After without keys", async () => {
  const gone = await edgeThatAnswers(404);
  await using daemon = await startDaemonInProcess(
    `[daemon]\nmetrics_listen = "127.0.0.1:0"\n[auth]\njwks = "${issuer.jwksPath}"\nissuer = "http://another.example"\n[models.echo]\nclass = "${ECHO}"`,
  );
  await using keyless = await startDaemonInProcess(
    `[auth]\njwks = "${gone}"\nissuer = "${ISSUER}"\n[models.echo]\nclass = "${ECHO}"`,
  );
  const headers = { authorization: `Bearer ${await issuer.sign()}` };
  const statuses = await Promise.all(
    Array.from({ length: 5 }, async () => (await daemon.infer("echo", 1, { headers })).status),
  );
  expect(statuses).toEqual(Array(5).fill(401));
  const line = await daemon.logged(({ setting }) => setting === "issuer");
  expect(line).toMatchObject({ got: JSON.stringify(ISSUER), wanted: "http://another.example" });
  expect(daemon.log.filter(({ setting }) => setting === "issuer").length).toBeLessThan(5);
  const metrics = await (await fetch(`${daemon.daemon.metricsUrl}/metrics`)).text();
  expect(metrics).toContain('gatehouse_requests_total{model="echo",outcome="UNAUTHENTICATED"} 5');
  const response = await keyless.infer("echo", 1, { headers });
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
  await keyless.logged(({ setting, level }) => setting === "jwks" && level === 50);
});
