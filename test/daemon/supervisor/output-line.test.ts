import { expect, it } from "vitest";
import { LineLevels } from "../../../daemon/supervisor/output-line.ts";

const levelsOf = (text: string) => {
  const levels = new LineLevels();
  return text.split("\n").map((line) => levels.next(line));
};

it("takes a record's level, and a traceback from its first line to its exception for errors", () => {
  const levels = levelsOf(
    [
      "INFO model: loading",
      "WARNING model: slow",
      "ERROR gatehouse_worker: The model did not load.",
      "Traceback (most recent call last):",
      '  File "a.py", line 3, in load',
      "    raise RuntimeError",
      "RuntimeError: the weights are missing",
      "loading 100 %",
    ].join("\n"),
  );
  expect(levels).toEqual(["info", "warn", "error", "error", "error", "error", "error", "info"]);
});

it("takes exceptions that followed from each other, groups of them and dumps of threads for errors", () => {
  const chained = levelsOf(
    "Traceback (most recent call last):\n  File\nValueError: a\nDuring handling of the above exception, another exception occurred:\n" +
      "Traceback (most recent call last):\n  File\nKeyError: b\nafter",
  );
  const group = levelsOf(
    "  + Exception Group Traceback (most recent call last):\n  |   File\n  | ExceptionGroup: two\n  +-+---- 1 ----\n    | ValueError: a\n    +-----",
  );
  const dump = levelsOf("Fatal Python error: Aborted\nThread 0x00007f (most recent call first):\n  File\nafter");
  expect(chained).toEqual([...Array(7).fill("error"), "info"]);
  expect(new Set(group)).toEqual(new Set(["error"]));
  expect(dump).toEqual(["error", "error", "error", "info"]);
});

it("warns of Python's warnings, and takes what says nothing of itself for information", () => {
  const levels = levelsOf("a.py:3: DeprecationWarning: old\nTrainable parameters: 5\n  indented\nerror rate 0.1");
  expect(levels).toEqual(["warn", "info", "info", "info"]);
});
