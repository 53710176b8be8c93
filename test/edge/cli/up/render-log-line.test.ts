import { describe, expect, test } from "vitest";
import { renderLogLine } from "../../../../src/cli/up/render-log-line.mjs";

const render = (line: unknown, color = false) =>
  renderLogLine({ line: typeof line === "string" ? line : JSON.stringify(line), name: "edge", color });

describe("renderLogLine", () => {
  test("turns a line of JSON into time, server, level, message and fields", () => {
    const time = new Date(2026, 10, 24, 13, 5, 9).getTime();
    expect(
      render({ level: 30, time, pid: 4, hostname: "h", name: "edge", msg: "listening", url: "http://x", ms: 3 }),
    ).toBe("13:05:09 edge   info  listening url=http://x ms=3");
  });

  test("quotes values with spaces and shows nested ones on one line", () => {
    expect(render({ level: 50, time: 0, msg: "failed", reason: "no such file", models: ["a"] })).toMatch(
      / error failed reason="no such file" models=\[ 'a' \]$/,
    );
    const models = Array.from({ length: 40 }, (_, index) => `model-${index}`);
    expect(render({ level: 30, time: 0, msg: "listening", models, by: { deep: { er: models } } })).toBe(
      render({ level: 30, time: 0, msg: "listening" }) +
        ` models=[ '${models.join("', '")}' ] by={ deep: { er: [ '${models.join("', '")}' ] } }`,
    );
  });

  test("leaves other lines as they are", () => {
    expect(render("gatehouse: the port is taken.")).toBe("edge   gatehouse: the port is taken.");
    expect(render("{not JSON")).toBe("edge   {not JSON");
  });

  test("shows control characters instead of obeying them, wherever they come from", () => {
    expect(render("\x1b[2J\x07")).toBe("edge   \\x1b[2J\\x07");
    expect(render({ level: 30, time: 0, msg: "a\nb\x1b[31m\u202e", "k\r": "v\x9b" })).toMatch(
      /a\\x0ab\\x1b\[31m\\x202e k\\x0d=v\\x9b$/,
    );
  });

  test("colors warnings and errors where that is wanted, and nothing elsewhere", () => {
    expect(render({ level: 40, time: 0, msg: "slow" }, true)).toContain("\x1b[33mwarn \x1b[0m");
    expect(render({ level: 40, time: 0, msg: "slow" })).not.toContain("\x1b");
  });
});
