import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { EdgeEnv } from "../../../src/middleware/env.ts";
import { requestId } from "../../../src/middleware/request-id.ts";

const app = new Hono<EdgeEnv>()
  .use(requestId)
  .get("/made-here", (c) => c.text(c.var.requestId))
  .get("/made-elsewhere", (c) => new Response(c.var.requestId))
  .get("/fails", () => {
    throw new Error("failed");
  })
  .onError((_error, c) => c.text(c.var.requestId, 500));

describe("the request id", () => {
  it.each(["/made-here", "/made-elsewhere", "/fails"])("is the caller's own in the answer of %s", async (path) => {
    const answer = await app.request(path, { headers: { "x-request-id": "trace.me_1" } });
    expect(answer.headers.get("x-request-id")).toBe("trace.me_1");
    expect(await answer.text()).toBe("trace.me_1");
  });

  it("is on the answer to HEAD", async () => {
    const answer = await app.request("/made-elsewhere", { method: "HEAD", headers: { "x-request-id": "trace-me_1" } });
    expect(answer.headers.get("x-request-id")).toBe("trace-me_1");
  });

  it.each(["a b", "a\tb", "x".repeat(129), "{}", ""])("is a new one for %j", async (given) => {
    const answer = await app.request("/made-here", { headers: { "x-request-id": given } });
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
