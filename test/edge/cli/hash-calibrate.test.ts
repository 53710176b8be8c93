import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { GRID, recommend, standingOf, type Timing } from "../../../src/cli/hash-calibrate/grid.ts";

const timed = (msOf: (work: number) => number): Timing[] =>
  GRID.map((parameters) => ({
    parameters,
    hereMs: msOf((parameters.memoryKiB / 1024) * parameters.passes),
    workerdMs: undefined,
  }));

describe("gatehouse hash calibrate", () => {
  it.each([
    [47_104, 1, "OWASP and ASVS floor"],
    [47_103, 1, "below every floor"],
    [19_456, 2, "OWASP and ASVS floor"],
    [19_455, 2, "below every floor"],
    [12_288, 3, "OWASP and ASVS floor"],
    [12_287, 3, "below every floor"],
    [65_536, 3, "RFC 9106, second choice"],
  ])("says of m=%i, t=%i: %s", (memoryKiB, passes, standing) => {
    expect(standingOf({ memoryKiB, passes, lanes: 1 })).toBe(standing);
  });

  it("keeps the standard profile where it is fast enough", () => {
    expect(
      recommend(
        timed((work) => work / 2),
        250,
      ),
    ).toContain("Keep the standard profile: it takes 72 ms");
  });

  it("names the most work above the floors that is, where it is not", () => {
    expect(
      recommend(
        timed((work) => work * 4),
        250,
      ),
    ).toContain("m=47104, t=1, p=1");
  });

  it("never recommends less than the floors", () => {
    expect(
      recommend(
        timed((work) => work * 10),
        250,
      ),
    ).toContain("Nothing at or above the floors");
  });

  it("counts the slower of this machine and workerd", () => {
    const timings = timed(() => 10).map((timing) => ({ ...timing, workerdMs: 300 }));
    expect(recommend(timings, 250)).toContain("Nothing at or above the floors");
  });

  it("times the whole grid and prints it as JSON", async () => {
    const command = ["--import", "tsx", "src/cli/main.ts", "hash", "calibrate"];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...command, "--rounds", "1", "--no-workerd", "--json"],
      { cwd: fileURLToPath(new URL("../../..", import.meta.url)) },
    );
    const { timings, recommendation } = JSON.parse(stdout) as { timings: { hereMs: number }[]; recommendation: string };
    expect(timings).toHaveLength(GRID.length);
    expect(timings.every(({ hereMs }) => hereMs > 0)).toBe(true);
    expect(recommendation).not.toBe("");
  });
});
