import { describe, expect, it } from "vitest";
import { judge } from "../../../src/middleware/origin-check.ts";

const ours = "https://login.example.com";
const allowedOrigins = new Set([ours]);
const request = { safe: false, origin: undefined, site: undefined, carriesCookie: false, allowedOrigins };

describe("the origin check", () => {
  it.each([
    ["a client that is no browser", request],
    ["our own page", { ...request, origin: ours, site: "same-origin", carriesCookie: true }],
    ["our own page in a browser without Origin", { ...request, site: "same-origin", carriesCookie: true }],
    ["reading with the cookie in an old browser", { ...request, safe: true, carriesCookie: true }],
    ["reading from the address bar", { ...request, safe: true, site: "none", carriesCookie: true }],
  ])("lets %s pass", (_who, from) => {
    expect(judge(from)).toBe("pass");
  });

  it.each([
    ["another origin", { ...request, origin: "https://evil.example" }],
    ["another origin that only reads", { ...request, safe: true, origin: "https://evil.example" }],
    ["a sandboxed page", { ...request, origin: "null" }],
    ["our name over http", { ...request, origin: "http://login.example.com" }],
    ["our name with another port", { ...request, origin: `${ours}:8443` }],
    ["another site without Origin", { ...request, site: "cross-site" }],
    ["a sibling host", { ...request, site: "same-site", carriesCookie: true }],
    ["the cookie alone, changing something", { ...request, carriesCookie: true }],
    ["the address bar, changing something", { ...request, site: "none" }],
  ])("refuses %s", (_who, from) => {
    expect(judge(from)).toBe("refuse");
  });
});
