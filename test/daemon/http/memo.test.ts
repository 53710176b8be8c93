import { expect, it } from "vitest";
import { Memo } from "../../../daemon/http/memo.ts";

it("gives what it was told to keep, and never keeps more than its limit", () => {
  const memo = new Memo<number>(3);
  for (let number = 0; number < 10; number++) expect(memo.keep(`key ${number}`, number)).toBe(number);
  const kept = Array.from({ length: 10 }, (_, number) => memo.get(`key ${number}`)).filter(
    (value) => value !== undefined,
  );
  expect(memo.get("key 9")).toBe(9);
  expect(kept.length).toBeLessThanOrEqual(3);
});

it("does not keep a key of more than 512 characters", () => {
  const memo = new Memo<number>(3);
  expect(memo.keep("x".repeat(513), 1)).toBe(1);
  expect(memo.get("x".repeat(513))).toBeUndefined();
});
