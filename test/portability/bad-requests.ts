import { gzipSync } from "node:zlib";
import type { SentHeaders, SentRequest } from "./client.ts";

interface BadRequest {
  readonly title: string;
  readonly request: SentRequest | ((signedIn: { readonly bearer: string }) => SentRequest);
  readonly status: number;
  readonly code: string;
  readonly headers?: SentHeaders;
}

const json = { "content-type": "application/json" };
const email = "bad@example.com";
const password = "correct horse battery staple";

function register(body: BodyInit, headers: SentHeaders = json): SentRequest {
  return { method: "POST", path: "/v1/auth/register", headers, body };
}

function fields(value: unknown): SentRequest {
  return register(JSON.stringify(value));
}

/** What callers get wrong, by mistake or on purpose, and the code each gets for it. */
export const badRequests: readonly BadRequest[] = [
  { title: "a body that is no JSON", request: register("{"), status: 400, code: "BAD_REQUEST" },
  { title: "no body at all", request: register(""), status: 400, code: "BAD_REQUEST" },
  {
    title: "bytes that are no UTF-8",
    request: register(new Uint8Array([0x22, 0xff, 0x22])),
    status: 400,
    code: "BAD_REQUEST",
  },
  { title: "JSON of another type", request: fields([1]), status: 422, code: "VALIDATION_FAILED" },
  { title: "a field of another type", request: fields({ email: 5, password }), status: 422, code: "VALIDATION_FAILED" },
  { title: "a missing field", request: fields({ email }), status: 422, code: "VALIDATION_FAILED" },
  {
    title: "an over-long address",
    request: fields({ email: `${"a".repeat(300)}@example.com`, password }),
    status: 422,
    code: "VALIDATION_FAILED",
  },
  {
    title: "an address with a NUL",
    request: fields({ email: "a\0@example.com", password }),
    status: 422,
    code: "VALIDATION_FAILED",
  },
  {
    title: "an over-long password",
    request: fields({ email, password: "a".repeat(257) }),
    status: 422,
    code: "PASSWORD_REFUSED",
  },
  {
    title: "a body over the cap",
    request: register(JSON.stringify({ email, password, pad: "a".repeat(9_000) })),
    status: 413,
    code: "BODY_TOO_LARGE",
  },
  {
    title: "a form",
    request: register(`email=${email}`, { "content-type": "application/x-www-form-urlencoded" }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    title: "JSON in disguise",
    request: register("{}", { "content-type": "text/plain" }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    title: "a compressed body",
    request: register(gzipSync("{}"), { ...json, "content-encoding": "gzip" }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    title: "an unknown transport",
    request: {
      method: "POST",
      path: "/v1/auth/login",
      headers: json,
      body: JSON.stringify({ email, password, transport: "pigeon" }),
    },
    status: 422,
    code: "VALIDATION_FAILED",
  },
  { title: "an unknown route", request: { method: "GET", path: "/v1/nothing" }, status: 404, code: "NOT_FOUND" },
  {
    title: "an unknown method",
    request: { method: "PUT", path: "/v1/auth/register" },
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    headers: { allow: "POST" },
  },
  {
    title: "GET where only POST is",
    request: { method: "GET", path: "/v1/infer/echo" },
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    headers: { allow: "POST" },
  },
  { title: "no session", request: { method: "GET", path: "/v1/auth/session" }, status: 401, code: "UNAUTHENTICATED" },
  {
    title: "a session that never was",
    request: { method: "GET", path: "/v1/auth/session", headers: { bearer: "B".repeat(43) } },
    status: 401,
    code: "UNAUTHENTICATED",
  },
  {
    title: "a token that is no token",
    request: { method: "GET", path: "/v1/auth/session", headers: { authorization: "Basic YTpi" } },
    status: 401,
    code: "UNAUTHENTICATED",
  },
  {
    title: "inference without a session",
    request: { method: "POST", path: "/v1/infer/echo", headers: json, body: "{}" },
    status: 401,
    code: "UNAUTHENTICATED",
  },
  {
    title: "a model that does not exist",
    request: ({ bearer }) => ({ method: "POST", path: "/v1/infer/nobody", headers: { ...json, bearer }, body: "{}" }),
    status: 404,
    code: "MODEL_NOT_FOUND",
  },
  {
    title: "a model's name that climbs",
    request: ({ bearer }) => ({
      method: "POST",
      path: "/v1/infer/..%2F..%2Fadmin%2Fstate",
      headers: { ...json, bearer },
      body: "{}",
    }),
    status: 404,
    code: "MODEL_NOT_FOUND",
  },
  {
    title: "a model's name with a percent sign that encodes nothing",
    request: ({ bearer }) => ({ method: "POST", path: "/v1/infer/%zz", headers: { ...json, bearer }, body: "{}" }),
    status: 400,
    code: "BAD_REQUEST",
  },
  {
    title: "an input that is no JSON",
    request: ({ bearer }) => ({ method: "POST", path: "/v1/infer/echo", headers: { ...json, bearer }, body: "{oops" }),
    status: 400,
    code: "BAD_REQUEST",
  },
  {
    title: "a compressed input",
    request: ({ bearer }) => ({
      method: "POST",
      path: "/v1/infer/echo",
      headers: { ...json, "content-encoding": "gzip", bearer },
      body: gzipSync("{}"),
    }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    title: "an input of another media type",
    request: ({ bearer }) => ({
      method: "POST",
      path: "/v1/infer/echo",
      headers: { "content-type": "text/csv", bearer },
      body: "a,b",
    }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
];
