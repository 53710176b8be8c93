import { beforeEach, describe, expect, it } from "vitest";
import { OnceASecond } from "../../daemon/once-a-second.ts";
import { FakeClock } from "./fake-clock.ts";

let clock: FakeClock;
let lines: string[];
let onceASecond: OnceASecond;

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
  onceASecond = new OnceASecond(clock);
});

const write = (kind: string, text: string) =>
  onceASecond.write(kind, (leftOut) => lines.push(`${clock.now()} ${kind} ${text} ${leftOut ?? "none"}`));

describe("OnceASecond", () => {
  it("writes the first of a kind at once, and the last at the second's end with how many were left out", () => {
    for (const text of ["a", "b", "c", "d"]) write("kind", text);
    expect(lines).toEqual(["0 kind a none"]);
    clock.advance(10_000);
    expect(lines).toEqual(["0 kind a none", "1000 kind d 2"]);
  });

  it("goes on with one line a second while more come, and keeps the kinds apart", () => {
    for (let turn = 0; turn < 25; turn++) {
      write("one", `${turn}`);
      if (turn === 0) write("other", "0");
      clock.advance(100);
    }
    expect(lines).toEqual(["0 one 0 none", "0 other 0 none", "1000 one 9 8", "2000 one 19 9"]);
  });

  it("holds no timer once a kind is quiet, nor after a flush, which writes what waited", () => {
    write("kind", "a");
    clock.advance(1_000);
    expect(clock.timers).toBe(0);
    write("kind", "b");
    write("kind", "c");
    onceASecond.flush();
    expect([clock.timers, lines.at(-1)]).toEqual([0, "1000 kind c none"]);
  });
});
