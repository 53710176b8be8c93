import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { AnswerError } from "../../../daemon/errors.ts";
import { createAuthenticate, requireScope } from "../../../daemon/http/authenticate.ts";
import { AUDIENCE, createTokenIssuer, ISSUER, type TokenIssuer } from "../../fixtures/access-token.ts";
import { ECHO, startDaemonInProcess } from "../../fixtures/daemon-in-process.ts";

let folder: string;
let issuer: TokenIssuer;
let privateKey: CryptoKey;
let publicJwk: object;

beforeAll(async () => {
  folder = mkdtempSync(`${tmpdir()}/gatehouse-test-`);
  issuer = await createTokenIssuer(folder);
  const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  privateKey = pair.privateKey;
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid: "k", alg: "EdDSA" };
});

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.useRealTimers());

const authenticator = () => createAuthenticate({ jwks: issuer.jwksPath, issuer: ISSUER, audience: AUDIENCE });

async function outcome(authorization: string | undefined, authenticate = authenticator()): Promise<string> {
  try {
    return (await authenticate(authorization)).sub;
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** A token of a stranger's key, or with a header or claim that is not ours. */
const forge = (header: object, claims: object) =>
  new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "s",
    scope: "infer",
    exp: Math.floor(Date.now() / 1_000) + 60,
    ...claims,
  })
    .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: "test", ...header })
    .sign(privateKey);

const tail = (token: string) => token.slice(token.lastIndexOf(".") + 1);

describe("createAuthenticate", () => {
  it("takes the edge's token for whom it says", async () => {
    expect(await outcome(`Bearer ${await issuer.sign({ sub: "anna" })}`)).toBe("anna");
    expect(await outcome(`bearer ${await issuer.sign({ sub: "anna" })}`)).toBe("anna");
  });

  it("refuses no header, another scheme and what is no token", async () => {
    for (const header of [
      undefined,
      "",
      "Basic YTpi",
      "Bearer",
      "Bearer x",
      "Bearer a.b",
      "Bearer a.b.c.d",
      `Bearer ${"x".repeat(9_000)}`,
    ]) {
      expect(await outcome(header)).toMatch(/^UNAUTHENTICATED: /);
    }
  });

  it("takes a signature in one spelling only, so that a token has one place among those that are remembered", async () => {
    const token = await issuer.sign();
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const others = [...alphabet].map((last) => token.slice(0, -1) + last).filter((other) => other !== token);
    const sameBytes = others.filter((other) =>
      Buffer.from(tail(other), "base64url").equals(Buffer.from(tail(token), "base64url")),
    );
    expect(sameBytes.length).toBe(15);
    for (const other of sameBytes) expect(await outcome(`Bearer ${other}`)).toMatch(/^UNAUTHENTICATED: /);
    expect(await outcome(`Bearer ${token}`)).not.toMatch(/^UNAUTHENTICATED: /);
  });

  it("takes one space after the scheme and a header of bounded length, so that nothing else can be remembered", async () => {
    const token = await issuer.sign();
    expect(await outcome(`Bearer  ${token}`)).toMatch(/^UNAUTHENTICATED: /);
    expect(await outcome(`Bearer ${" ".repeat(14_000)}${token}`)).toMatch(/^UNAUTHENTICATED: /);
    const authenticate = authenticator();
    await authenticate(`Bearer ${token}`);
    expect(authenticate(`bearer ${token}`)).not.toBeInstanceOf(Promise);
  });

  it("refuses a token of another key, without a signature, or with another algorithm", async () => {
    const unsigned = new UnsecuredJWT({ sub: "s", scope: "infer" })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime("60s")
      .encode();
    const symmetric = await new SignJWT({ scope: "infer" })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "test" })
      .setSubject("s")
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime("60s")
      .sign(new TextEncoder().encode(JSON.stringify(publicJwk).padEnd(64)));
    for (const token of [await forge({}, {}), unsigned, symmetric, await forge({ kid: "other" }, {})]) {
      expect(await outcome(`Bearer ${token}`)).toMatch(
        /^UNAUTHENTICATED: (The token is not one of ours\.|This is no access token; )/,
      );
    }
  });

  it("refuses another type, issuer or audience, a token not valid yet, and one without a claim", async () => {
    const own = createServer((_, response) => response.end(JSON.stringify({ keys: [publicJwk] }))).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => own.once("listening", resolve));
    const jwks = `http://127.0.0.1:${(own.address() as AddressInfo).port}/jwks`;
    const authenticate = createAuthenticate({ jwks, issuer: ISSUER, audience: AUDIENCE });
    const good = { kid: "k" };
    expect(await outcome(`Bearer ${await forge(good, {})}`, authenticate)).toBe("s");
    const bad = [
      await forge({ ...good, typ: "JWT" }, {}),
      await forge(good, { iss: "http://evil.example" }),
      await forge(good, { aud: "another-daemon" }),
      await forge(good, { nbf: Math.floor(Date.now() / 1_000) + 300 }),
      await forge(good, { sub: undefined }),
      await forge(good, { sub: "" }),
      await forge(good, { scope: undefined }),
      await forge(good, { exp: undefined }),
    ];
    for (const token of bad) expect(await outcome(`Bearer ${token}`, authenticate)).toMatch(/^UNAUTHENTICATED: /);
    own.close();
  });

  it("remembers a verified token, and no longer than it is valid", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const authenticate = authenticator();
    const header = `Bearer ${await issuer.sign({ seconds: 60 })}`;
    await authenticate(header);
    expect(authenticate(header)).not.toBeInstanceOf(Promise);
    vi.setSystemTime(Date.now() + 91_000);
    expect(await outcome(header, authenticate)).toBe("UNAUTHENTICATED: The token has expired.");
    expect(await outcome(header, authenticate)).toBe("UNAUTHENTICATED: The token has expired.");
  });

  it("answers KEYS_UNAVAILABLE, not UNAUTHENTICATED, when the edge's keys cannot be had", async () => {
    const authenticate = createAuthenticate({ jwks: "http://127.0.0.1:1/jwks", issuer: ISSUER, audience: AUDIENCE });
    expect(await outcome(`Bearer ${await issuer.sign()}`, authenticate)).toMatch(/^KEYS_UNAVAILABLE: The keys/);
  });

  it("verifies no more than 4,096 tokens at a time, as while keys are fetched, and others after them", async () => {
    const unanswered = createServer(() => undefined).listen(0, "127.0.0.1");
    await new Promise((resolve) => unanswered.once("listening", resolve));
    const jwks = `http://127.0.0.1:${(unanswered.address() as AddressInfo).port}/jwks`;
    const authenticate = createAuthenticate({ jwks, issuer: ISSUER, audience: AUDIENCE });
    const header = `Bearer ${await issuer.sign()}`;
    const waiting = Array.from({ length: 4_096 }, () => outcome(header, authenticate));
    expect(await outcome(header, authenticate)).toMatch(/^OVERLOADED: /);
    await new Promise((resolve) => unanswered.once("connection", resolve));
    unanswered.closeAllConnections();
    unanswered.close();
    expect(new Set(await Promise.all(waiting)).size).toBe(1);
    expect(await outcome(header, authenticate)).toMatch(/^KEYS_UNAVAILABLE: The keys/);
  });

  it("says in a sentence that the key file is none", () => {
    expect(() => createAuthenticate({ jwks: `${folder}/gone.json`, issuer: ISSUER, audience: AUDIENCE })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });

  it("lets a caller do what its scopes say", () => {
    const caller = { sub: "s", scopes: new Set(["infer"]) };
    expect(() => requireScope(caller, "infer")).not.toThrow();
    expect(() => requireScope(caller, "admin")).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
  });
});

it("guards every route but health with a token, and the admin's with its scope", async () => {
  await using daemon = await startDaemonInProcess(
    `[auth]\njwks = "${issuer.jwksPath}"\nissuer = "${ISSUER}"\naudience = "${AUDIENCE}"\n[models.echo]\nclass = "${ECHO}"`,
  );
  await daemon.ready();
  const status = async (path: string, token?: string, method = "GET") => {
    const headers = {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(daemon.url + path, { method, headers, ...(method === "POST" ? { body: "1" } : {}) });
    await response.text();
    return response.status;
  };
  const infer = await issuer.sign({ scope: "infer" });
  const admin = await issuer.sign({ scope: "infer admin" });
  expect([await status("/livez"), await status("/readyz")]).toEqual([200, 200]);
  for (const path of ["/v1/models", "/metrics", "/admin/state"]) expect(await status(path)).toBe(401);
  expect(await status("/v1/infer/echo", undefined, "POST")).toBe(401);
  expect(await status("/v1/infer/echo", infer, "POST")).toBe(200);
  expect(await status("/v1/models", infer)).toBe(200);
  for (const path of ["/metrics", "/admin/state"]) {
    expect([await status(path, infer), await status(path, admin)]).toEqual([403, 200]);
  }
});
