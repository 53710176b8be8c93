import { createLocalJWKSet, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { badRequests } from "./bad-requests.ts";
import { type Client, createClient, type Json } from "./client.ts";

/** An edge with its database and a daemon with the models `echo` and `mock`, on one runtime. */
export interface System {
  readonly edgeUrl: string;
  readonly daemonUrl: string;
}

/** Starts the parts of a system; each registers how it stops as soon as it runs, so that a failed start leaves nothing behind. */
export type StartSystem = (stopLater: (stop: () => Promise<unknown>) => void) => Promise<System>;

const password = "correct horse battery staple";

/** What the edge promises over HTTP, the same on every runtime. */
export function describeEdge(runtime: string, start: StartSystem): void {
  describe(`the edge on ${runtime}`, () => {
    let system: System;
    let client: Client;
    let addresses = 0;
    const newAddress = () => `person-${++addresses}@example.com`;

    async function signUp(): Promise<{ email: string; bearer: string; userId: string }> {
      const email = newAddress();
      const registered = await client.post("/v1/auth/register", { email, password });
      expect(registered.status).toBe(201);
      const { json } = await client.post("/v1/auth/login", { email, password, transport: "bearer" });
      return { email, bearer: String(json.token), userId: String((json.user as Json).id) };
    }

    const stops: (() => Promise<unknown>)[] = [];
    beforeAll(async () => {
      system = await start((stop) => stops.unshift(stop));
      client = createClient(system.edgeUrl);
    });
    afterAll(async () => {
      for (const stop of stops) await stop();
    });

    it("is alive and ready", async () => {
      expect((await client.get("/livez")).status).toBe(200);
      expect((await client.get("/readyz")).status).toBe(200);
    });

    it("registers an account, signs it in with a cookie, and tells nobody the password", async () => {
      const email = newAddress();
      const answer = await client.post("/v1/auth/register", { email: ` ${email.toUpperCase()} `, password });
      expect(answer.status).toBe(201);
      expect(answer.json).toEqual({
        user: {
          id: expect.stringMatching(/^[0-9a-f-]{14}7/),
          email,
          emailVerified: false,
          createdAt: expect.any(String),
        },
        session: {
          id: expect.any(String),
          createdAt: expect.any(String),
          lastSeenAt: expect.any(String),
          expiresAt: expect.any(String),
          current: true,
          userAgent: expect.any(String),
        },
      });
      expect(answer.headers.get("set-cookie")).toMatch(/^gatehouse=[\w-]{43}; /);
      expect(answer.headers.get("set-cookie")).toMatch(/HttpOnly/);
      expect(answer.headers.get("set-cookie")).toMatch(/SameSite=Lax/);
      expect(answer.headers.get("cache-control")).toBe("no-store");

      const session = await client.get("/v1/auth/session", { cookie: answer.cookie });
      expect(session.status).toBe(200);
      expect(session.json).toEqual(answer.json);
    });

    it("gives an address to one account only, whatever its case", async () => {
      const { email } = await signUp();
      const again = await client.post("/v1/auth/register", { email: email.toUpperCase(), password });
      expect(again).toMatchObject({ status: 409, json: { code: "EMAIL_TAKEN" } });
    });

    it("lets one of several registrations at once have the address", async () => {
      const email = newAddress();
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => client.post("/v1/auth/register", { email, password })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    });

    it("refuses a password that is too short, with the reason", async () => {
      const answer = await client.post("/v1/auth/register", { email: newAddress(), password: "fourteen chars" });
      expect(answer).toMatchObject({ status: 422, json: { code: "PASSWORD_REFUSED", reason: "too_short" } });
    });

    it("refuses a password longer than 256 code points or not Unicode, and cuts none", async () => {
      for (const [wrong, reason] of [
        ["é".repeat(257), "too_long"],
        ["a lone surrogate \ud800", "malformed"],
      ]) {
        const answer = await client.post("/v1/auth/register", { email: newAddress(), password: wrong });
        expect(answer).toMatchObject({ status: 422, json: { code: "PASSWORD_REFUSED", reason } });
      }
    });

    it("logs in with the address in any case and the password in any normalisation", async () => {
      const email = newAddress();
      await client.post("/v1/auth/register", { email, password: "caf\u00e9 au lait, deux fois" });
      const answer = await client.post("/v1/auth/login", {
        email: email.toUpperCase(),
        password: "cafe\u0301 au lait, deux fois",
      });
      expect(answer.status).toBe(200);
    });

    it("answers a wrong password and an unknown address alike", async () => {
      const { email } = await signUp();
      const wrong = await client.post("/v1/auth/login", { email, password: `${password}!` });
      const unknown = await client.post("/v1/auth/login", { email: newAddress(), password });
      for (const answer of [wrong, unknown]) {
        expect(answer).toMatchObject({ status: 401, json: { code: "INVALID_CREDENTIALS" } });
      }
      expect({ ...wrong.json, requestId: "" }).toEqual({ ...unknown.json, requestId: "" });
      expect([...wrong.headers.keys()]).toEqual([...unknown.headers.keys()]);
    });

    it("gives a bearer token only when asked, and then sets no cookie", async () => {
      const { email, bearer } = await signUp();
      const withCookie = await client.post("/v1/auth/login", { email, password });
      expect(withCookie.json.token).toBeUndefined();
      const withBearer = await client.post("/v1/auth/login", { email, password, transport: "bearer" });
      expect(withBearer.headers.get("set-cookie")).toBeNull();
      expect((await client.get("/v1/auth/session", { bearer })).status).toBe(200);
    });

    it("ends a session at logout, for the cookie and for the bearer", async () => {
      const { email, bearer } = await signUp();
      const { cookie } = await client.post("/v1/auth/login", { email, password });
      expect((await client.post("/v1/auth/logout", undefined, { cookie, origin: system.edgeUrl })).status).toBe(204);
      expect((await client.get("/v1/auth/session", { cookie })).status).toBe(401);
      expect((await client.get("/v1/auth/session", { bearer })).status).toBe(200);
      expect((await client.post("/v1/auth/logout", undefined, { bearer })).status).toBe(204);
      expect((await client.get("/v1/auth/session", { bearer })).status).toBe(401);
    });

    it("lets a bearer win over a cookie, without falling back to it", async () => {
      const { cookie } = await client.post("/v1/auth/register", { email: newAddress(), password });
      const answer = await client.get("/v1/auth/session", { cookie, bearer: "A".repeat(43) });
      expect(answer).toMatchObject({ status: 401, json: { code: "UNAUTHENTICATED" } });
    });

    it("takes another scheme than Bearer for somebody else's, and signs the cookie's session out", async () => {
      const { cookie } = await client.post("/v1/auth/register", { email: newAddress(), password });
      const headers = { cookie, authorization: "Basic YTpi", origin: system.edgeUrl };
      expect((await client.get("/v1/auth/session", headers)).status).toBe(200);
      expect((await client.post("/v1/auth/logout", undefined, headers)).status).toBe(204);
      expect((await client.get("/v1/auth/session", { cookie })).status).toBe(401);
    });

    it("refuses what a page of another origin sends", async () => {
      const { cookie } = await client.post("/v1/auth/register", { email: newAddress(), password });
      for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }, {}]) {
        const answer = await client.post("/v1/auth/logout", undefined, { cookie, ...headers });
        expect(answer).toMatchObject({ status: 403, json: { code: "ORIGIN_REFUSED" } });
      }
      expect((await client.get("/v1/auth/session", { cookie })).status).toBe(200);
    });

    it("signs a token that its published keys verify, for this user, this session and the daemon alone", async () => {
      const { bearer, userId } = await signUp();
      const answer = await client.post("/v1/auth/token", undefined, { bearer });
      expect(answer).toMatchObject({ status: 200, json: { token_type: "Bearer", expires_in: 300 } });
      const jwks = await client.get("/.well-known/jwks.json");
      expect(JSON.stringify(jwks.json)).not.toContain('"d"');
      const { payload } = await jwtVerify(
        String(answer.json.access_token),
        createLocalJWKSet(jwks.json as unknown as JSONWebKeySet),
        { issuer: system.edgeUrl, audience: "gatehouse-daemon", typ: "at+jwt", algorithms: ["EdDSA"] },
      );
      expect(payload).toMatchObject({ sub: userId, scope: "infer", sid: expect.any(String), jti: expect.any(String) });
    });

    it("lists the daemon's models for a signed-in caller, and answers others in the OpenAI API's shape", async () => {
      const { bearer } = await signUp();
      const models = await client.get("/v1/models", { bearer });
      expect(models.status).toBe(200);
      expect((models.json.data as Json[]).map(({ id }) => id)).toEqual(expect.arrayContaining(["echo", "mock"]));
      const headers = { bearer, "x-request-id": "trace-me_2" };
      for (const method of ["GET", "HEAD"]) {
        const answer = await client.send({ method, path: "/v1/models", headers });
        expect([answer.status, answer.headers.get("x-request-id")]).toEqual([200, "trace-me_2"]);
      }
      const refused = await client.get("/v1/models");
      expect(refused).toMatchObject({
        status: 401,
        json: { error: { code: "UNAUTHENTICATED", type: "authentication_error" } },
      });
    });

    it("passes an input to a model and its answer back, byte for byte", async () => {
      const { bearer } = await signUp();
      const input = { text: "żółw 🐢", list: [1, 2.5, null], nested: { deep: true } };
      const answer = await client.post("/v1/infer/echo", input, { bearer });
      expect(answer).toMatchObject({ status: 200, json: input });
    });

    it("carries the caller's request id to the end and back", async () => {
      const answer = await client.get("/livez", { "x-request-id": "trace-me_1" });
      expect(answer.headers.get("x-request-id")).toBe("trace-me_1");
      const forged = await client.get("/livez", { "x-request-id": "a b\tc" });
      expect(forged.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    });

    it("keeps the caller's deadline on the way to the model", async () => {
      const { bearer } = await signUp();
      const answer = await client.post("/v1/infer/mock", {}, { bearer, "x-request-timeout-ms": "50" });
      expect(answer).toMatchObject({ status: 504, json: { code: "DEADLINE_EXCEEDED" } });
    });

    it("sends the headers that keep other sites out", async () => {
      const { headers } = await client.get("/livez");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
    });

    describe("answers bad input with its own code and a sentence, and stays up:", () => {
      let bearer: string;
      beforeAll(async () => {
        ({ bearer } = await signUp());
      });

      it.each(badRequests)("$title", async ({ request, status, code, headers }) => {
        const answer = await client.send(typeof request === "function" ? request({ bearer }) : request);
        expect({ status: answer.status, code: answer.json.code }).toEqual({ status, code });
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
        expect(answer.json).toMatchObject({
          type: expect.any(String),
          title: expect.any(String),
          status,
          requestId: expect.any(String),
        });
        expect(answer.json.detail).toMatch(/^[A-Z].*[.?]/);
        expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|node_modules|\.ts\b/);
        for (const [name, value] of Object.entries(headers ?? {})) expect(answer.headers.get(name)).toBe(value);
        expect((await client.get("/livez")).status).toBe(200);
      });
    });

    describe("the daemon behind it", () => {
      const infer = (token: string) =>
        createClient(system.daemonUrl).post("/v1/infer/echo", { a: 1 }, { bearer: token });

      it("answers whoever holds a token of this edge", async () => {
        const { bearer } = await signUp();
        const { json } = await client.post("/v1/auth/token", undefined, { bearer });
        expect(await infer(String(json.access_token))).toMatchObject({ status: 200, json: { a: 1 } });
      });

      it("refuses a token signed by another key, one that ended, one for somebody else, and none at all", async () => {
        const { keys } = (await client.get("/.well-known/jwks.json")).json as unknown as JSONWebKeySet;
        const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
        const forged = await new SignJWT({ scope: "infer" })
          .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: keys[0]?.kid ?? "" })
          .setIssuer(system.edgeUrl)
          .setAudience("gatehouse-daemon")
          .setSubject("somebody")
          .setIssuedAt()
          .setExpirationTime("5m")
          .sign(privateKey);
        for (const token of [forged, "not.a.token", ""]) {
          expect(await infer(token)).toMatchObject({ status: 401, json: { code: "UNAUTHENTICATED" } });
        }
      });
    });
  });
}
