import { beforeEach, describe, expect, it } from "vitest";
import { LogLines, MAX_LINE_BYTES, MAX_LINES_PER_SECOND } from "../../../daemon/supervisor/log-lines.ts";
import { LineLevels } from "../../../daemon/supervisor/output-line.ts";
import { FakeClock } from "../fake-clock.ts";

const TRACEBACK = ["Traceback (most recent call last):", '  File "model.py", line 3', "ValueError: no"];

let clock: FakeClock;
let logged: string[];
let lines: LogLines;

beforeEach(() => {
  clock = new FakeClock();
  logged = [];
  const levels = new LineLevels();
  lines = new LogLines({
    clock,
    levelOf: (line) => levels.next(line),
    onLine: (line, level) => logged.push(`${level} ${line}`),
    onDropped: (count) => logged.push(`dropped ${count}`),
  });
});

const push = (texts: readonly string[]) => lines.push(Buffer.from(texts.map((text) => `${text}\n`).join("")));
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

describe("LogLines", () => {
  it("gives lines as they come, whole whatever pieces they come in", () => {
    for (const byte of Buffer.from("one\ntwo ☃\r\n\nthree")) lines.push(Buffer.from([byte]));
    expect(logged).toEqual(["info one", "info two ☃"]);
    lines.end();
    expect(logged.at(-1)).toBe("info three");
  });

  it("cuts a line that is too long", () => {
    push(["x".repeat(3 * MAX_LINE_BYTES), "after"]);
    expect(logged.map((line) => line.length)).toEqual([MAX_LINE_BYTES + 5, 10]);
  });

  it("gives the traceback that a burst ends with, and how many lines it left out, within a second and without another line", () => {
    clock.advance(10_000);
    push([...numbered(3_000), ...TRACEBACK]);
    expect(logged.length).toBe(MAX_LINES_PER_SECOND);
    clock.advance(1_000);
    expect(logged.slice(MAX_LINES_PER_SECOND)).toEqual([
      "dropped 2783",
      ...numbered(3_000)
        .slice(-17)
        .map((line) => `info ${line}`),
      ...TRACEBACK.map((line) => `error ${line}`),
    ]);
    expect(clock.timers).toBe(0);
  });

  it("leaves nothing out of a burst that is no longer than what it holds", () => {
    push(numbered(MAX_LINES_PER_SECOND + 20));
    clock.advance(1_000);
    expect(logged).toEqual(numbered(MAX_LINES_PER_SECOND + 20).map((line) => `info ${line}`));
  });

  it("gives what it holds when the output ends, and holds no timer then", () => {
    push([...numbered(1_000), ...TRACEBACK]);
    lines.end();
    expect([clock.timers, logged.at(-1)]).toEqual([0, "error ValueError: no"]);
  });

  it("is bounded in each second of a flood", () => {
    for (let tenth = 0; tenth < 100; tenth++) {
      push(numbered(500));
      clock.advance(100);
    }
    lines.end();
    expect(logged.length).toBe(10 * (MAX_LINES_PER_SECOND + 20 + 1));
  });
});
