import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { openLogOutput } from "../../daemon/log-output.ts";

const source = fileURLToPath(new URL("../fixtures/programs/write-log.ts", import.meta.url));

let child: ChildProcess | undefined;

afterEach(() => child?.kill("SIGKILL"));

/** A program that logs 2 MB, says so on stderr, and then logs one line and ends when it is told to. */
function start() {
  const started = spawn(process.execPath, ["--import", "tsx", source], { stdio: ["pipe", "pipe", "pipe"] });
  child = started;
  return started;
}

it("holds up nobody when its pipe is not read, and tells later how many lines were left out", async () => {
  const { stdin, stdout, stderr } = start();
  await once(stderr, "data");
  const read = text(stdout);
  stdin.end();
  const lines = (await read).trimEnd().split("\n");
  const written = lines.filter((line) => line.startsWith("line ")).length;
  const leftOut = Number(/\((\d+) lines left out/.exec(lines.join("\n"))?.[1]);
  expect(written + leftOut).toBe(20_001);
  expect(leftOut).toBeGreaterThan(5_000);
});

it("does not mind that its reader has gone", async () => {
  const program = start();
  program.stdout.destroy();
  await once(program.stderr, "data");
  program.stdin.end();
  expect(await once(program, "exit")).toEqual([0, null]);
});

it("writes to a file at once", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-log-"));
  const file = join(folder, "log");
  const descriptor = openSync(file, "w");
  openLogOutput(descriptor).write("line\n");
  expect(readFileSync(file, "utf8")).toBe("line\n");
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

it("does not mind a full disk, and tells how many lines were left out once there is room again", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-log-"));
  const file = join(folder, "log");
  const descriptor = openSync(file, "w");
  let room = 7;
  const output = openLogOutput(descriptor, (to, bytes, offset) => {
    if (room === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const written = writeSync(to, bytes, offset, Math.min(room, bytes.length - offset));
    room -= written;
    return written;
  });
  output.write("one\n");
  output.write("cut in two\n");
  output.write("lost\n");
  room = 1_000;
  output.write("back\n");
  const [one, cut, leftOut, back] = readFileSync(file, "utf8").split("\n");
  expect([one, cut, back]).toEqual(["one", "cut", "back"]);
  expect(JSON.parse(leftOut ?? "")).toMatchObject({ message: "(2 lines left out: they could not be written)" });
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

it.runIf(existsSync("/dev/full"))("goes on when its descriptor takes nothing", () => {
  const descriptor = openSync("/dev/full", "w");
  const output = openLogOutput(descriptor);
  expect(() => output.write("line\n")).not.toThrow();
  closeSync(descriptor);
});
