import { expect, it } from "vitest";
import { fuzzFrames } from "./frame-fuzz.ts";

/** `npm run bench -- chaos` reads a million, from other seeds. */
const FRAMES = 60_000;

it("reads valid, mutated, truncated and interleaved frames the same in one piece and in many, and only ever violates", () => {
  const { frames, ends, failures } = fuzzFrames(FRAMES, 1);
  expect(failures).toEqual([]);
  expect(frames).toBeGreaterThanOrEqual(FRAMES);
  // The generator reaches every way of ending that bytes alone can have.
  expect([...ends.keys()].sort()).toEqual(
    [
      "BAD_FIELD",
      "BAD_JSON",
      "BAD_LENGTH",
      "BAD_SEGMENTS",
      "BAD_STATE",
      "BAD_UTF8",
      "DUPLICATE_KEY",
      "TOO_DEEP",
      "TRUNCATED",
      "UNKNOWN_TYPE",
      "ok",
    ].sort(),
  );
});
