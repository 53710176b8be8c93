import { describe, expect, test } from "vitest";
import { lineSplitter, MAX_LINE_LENGTH } from "../../../../src/cli/up/line-splitter.mjs";

function split(chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  const push = lineSplitter((line) => lines.push(line));
  for (const chunk of chunks) push(chunk);
  return lines;
}

describe("lineSplitter", () => {
  test("gives the same lines wherever the bytes are cut, inside a character too", () => {
    const bytes = Buffer.from('{"msg":"größer"}\n\nплотина 🚪\n');
    for (let at = 0; at <= bytes.length; at++) {
      expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(['{"msg":"größer"}', "", "плотина 🚪"]);
    }
  });

  test("cuts a line that does not end, and goes on with the next", () => {
    const lines = split([Buffer.from("x".repeat(MAX_LINE_LENGTH)), Buffer.from("xxx"), Buffer.from("x\nnext\n")]);
    expect(lines).toEqual([`${"x".repeat(MAX_LINE_LENGTH)}…`, "next"]);
  });
});
