import { describe, expect, test } from "vitest";
import { decideInstall } from "../../../../src/cli/set-up/npm-packages.mjs";

const LOCKED = {
  "": { version: "0.1.0" },
  "node_modules/hono": { version: "4.0.0", integrity: "sha512-a" },
  "node_modules/vitest": { version: "4.1.0", integrity: "sha512-b", dev: true },
  "node_modules/here": { version: "1.0.0", integrity: "sha512-c", optional: true, os: [process.platform] },
  "node_modules/elsewhere": { version: "1.0.0", integrity: "sha512-d", optional: true, os: ["plan9"] },
};
const { "node_modules/hono": hono, "node_modules/vitest": vitest, "node_modules/here": here } = LOCKED;
const RUN_TIME = { "node_modules/hono": hono, "node_modules/here": here };
const EVERYTHING = { ...RUN_TIME, "node_modules/vitest": vitest };

describe("decideInstall", () => {
  const decide = (installed: object, options: { everything?: boolean; tried?: boolean } = {}) =>
    decideInstall({ locked: LOCKED, installed: { ...installed }, everything: false, tried: false, ...options });

  test("installs nothing when what is wanted is there", () => {
    expect(decide(RUN_TIME)).toBe("nothing");
    expect(decide(EVERYTHING)).toBe("nothing");
    expect(decide(EVERYTHING, { everything: true })).toBe("nothing");
  });

  test("installs what running needs into an empty folder, and everything where everything is wanted", () => {
    expect(decide({})).toBe("run-time");
    expect(decide({}, { everything: true })).toBe("everything");
    expect(decide(RUN_TIME, { everything: true })).toBe("everything");
  });

  test("keeps developers' packages when what running needs has changed", () => {
    expect(decide({ ...EVERYTHING, "node_modules/hono": { ...hono, version: "3.9.0" } })).toBe("everything");
  });

  test("notices another content under the same version", () => {
    expect(decide({ ...RUN_TIME, "node_modules/hono": { ...hono, integrity: "sha512-x" } })).toBe("run-time");
  });

  test("wants the optional packages of this platform, but asks npm for them once only", () => {
    expect(decide({ "node_modules/hono": hono })).toBe("run-time");
    expect(decide({ "node_modules/hono": hono }, { tried: true })).toBe("nothing");
  });

  test("installs anew when the folder came from another platform", () => {
    const elsewhere = { "node_modules/elsewhere": LOCKED["node_modules/elsewhere"] };
    expect(decide({ ...RUN_TIME, ...elsewhere }, { tried: true })).toBe("run-time");
  });
});
