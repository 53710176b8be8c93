import { describe, expect, it } from "vitest";
import { describeBadLines } from "../../../../src/cli/users-import/describe-bad-lines.ts";

const bad = (reason: string, ...lines: number[]) => lines.map((line) => ({ line, reason }));

describe("describeBadLines", () => {
  it("names every line and says each reason once, in order of the file", () => {
    expect(describeBadLines([...bad("B.", 9, 3, 4, 5, 7), ...bad("A.", 2), ...bad("C.", 8)])).toEqual([
      "line 2: A.",
      "lines 3-5, 7, 9: B.",
      "line 8: C.",
    ]);
  });

  it("ends with the advice that lines share, once", () => {
    const advice = "Do this.";
    const lines = [...bad("A.", 2, 3), ...bad("B.", 4)];
    expect(describeBadLines([...lines.map((line) => ({ ...line, advice })), ...bad("C.", 5)])).toEqual([
      "lines 2-3: A.",
      "line 4: B.",
      "line 5: C.",
      advice,
    ]);
  });
});
