import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeLock } from "../../../../src/cli/set-up/lock-file.mjs";

const MODULE = new URL("../../../../src/cli/set-up/lock-file.mjs", import.meta.url).href;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-lock-"));
  path = join(folder, "lock");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that takes the lock once it reads a line, says what it got, and stays. */
function startTaker() {
  const script = `
    import { takeLock } from ${JSON.stringify(MODULE)};
    process.stdin.once("data", () => {
      const taken = takeLock(process.argv[1]);
      console.log("release" in taken ? "taken" : taken.heldBy);
    });
    console.log("up");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  return {
    pid: child.pid,
    up: nextLine(),
    take: () => {
      child.stdin.write("\n");
      return nextLine();
    },
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("takeLock", () => {
  test("gives the lock to one, names that one to the next, and leaves no file when it is released", () => {
    const first = takeLock(path);
    expect(takeLock(path)).toEqual({ heldBy: process.pid });
    if (!("release" in first)) throw new Error("the first was refused");
    first.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("refuses while another process holds it, and takes over when that process was killed", async () => {
    const other = startTaker();
    await other.up;
    expect(await other.take()).toBe("taken");
    expect(takeLock(path)).toEqual({ heldBy: other.pid });
    await other.kill();
    expect(takeLock(path)).toHaveProperty("release");
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid: process.pid });
  });

  test("is not fooled by a dead holder's process id that lives again as another process", () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, started: "another time" }));
    expect(takeLock(path)).toHaveProperty("release");
  });

  test("takes over a file that is no lock", () => {
    writeFileSync(path, "not JSON");
    expect(takeLock(path)).toHaveProperty("release");
  });

  test("lets one of several take a dead holder's lock over", async () => {
    writeFileSync(path, JSON.stringify({ pid: 0, started: "" }));
    const takers = Array.from({ length: 4 }, startTaker);
    try {
      await Promise.all(takers.map((taker) => taker.up));
      const answers = await Promise.all(takers.map((taker) => taker.take()));
      expect(answers.filter((answer) => answer === "taken")).toHaveLength(1);
    } finally {
      await Promise.all(takers.map((taker) => taker.kill()));
    }
  });

  test("releases only its own lock", () => {
    const taken = takeLock(path);
    writeFileSync(path, "somebody else's");
    if ("release" in taken) taken.release();
    expect(existsSync(path)).toBe(true);
  });

  test("says in a sentence that the folder cannot be written", () => {
    expect(() => takeLock("/dev/null/lock")).toThrow("a part of its path is a file");
  });
});
