import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { programArgs } from "../../../src/cli/set-up/programs.mjs";
import { freePort } from "../../fixtures/free-port.ts";
import { startProgram } from "../../fixtures/program.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), "gatehouse-cli-"));

// The programs people run are built ones.
beforeAll(() => execFileSync(process.execPath, ["src/cli/set-up.mjs", "packages"], { cwd: root }));

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

function gatehouse(args: string[], { stdin, ...env }: { stdin?: "pipe" } & Record<string, string> = {}) {
  return startProgram(process.execPath, [...programArgs("gatehouse"), ...args], {
    cwd: root,
    stdin: stdin ?? "ignore",
    env: { ...process.env, DATA_DIR: dataDir, ...env },
  });
}

describe("gatehouse", () => {
  test("lists its commands", async () => {
    const program = gatehouse(["--help"]);
    expect(await program.closed).toBe(0);
    for (const command of ["up", "edge", "daemon", "db"])
      expect(program.output()).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
  });

  test.each([[[]], [["db"]], [["hash"]], [["hashes"]], [["users"]]])(
    "tells what each command of %j is for in one line of its own",
    async (group) => {
      const program = gatehouse([...group, "--help"]);
      expect(await program.closed).toBe(0);
      const lines = program.output().split("Commands:\n")[1]?.trimEnd().split("\n") ?? [];
      expect(lines.length).toBeGreaterThan(1);
      expect(lines.filter((line) => !/^ {2}[a-z]\S*( \S+)* {2,}[a-z]/.test(line))).toEqual([]);
      const purposes = lines.map((line) => line.split(/ {2,}/).at(-1));
      expect(new Set(purposes).size).toBe(lines.length);
    },
  );

  test.each([
    [["userz"], "users"],
    [["users", "shwo"], "show"],
    [["migrate"], "gatehouse db migrate"],
    [["hash", "report"], "gatehouse hashes report"],
  ])("names the command that was meant by %j", async (args, meant) => {
    const program = gatehouse(args);
    expect(await program.closed).toBe(2);
    expect(program.output()).toContain(`(Did you mean ${meant}?)\n`);
  });

  test.each([
    [["no-such-command"]],
    [["edge", "--port", "99999"]],
    [["edge", "--no-such-flag"]],
    [["daemon", "extra"]],
    [["users", "list", "--limit", "1001"]],
    [["users", "list", "--after", "ann@example.test"]],
    [["users", "disable"]],
  ])("answers a wrong use (%j) with exit code 2", async (args) => {
    const program = gatehouse(args);
    expect(await program.closed).toBe(2);
    expect(program.output()).toMatch(/^error: /m);
  });

  test("says in a sentence, exit code 1, that a setting cannot be used", async () => {
    const program = gatehouse(["edge", "--port", "0"], { PASSWORD_MIN_LENGTH: "3" });
    expect(await program.closed).toBe(1);
    expect(program.output()).toMatch(/^gatehouse: PASSWORD_MIN_LENGTH must be .*\.$/m);
    expect(program.output()).not.toMatch(/^ {4}at /m);
  });

  test("says in a sentence, exit code 1, that the daemon's configuration is missing", async () => {
    const program = gatehouse(["daemon", "--config", "no-such-file.toml"]);
    expect(await program.closed).toBe(1);
    expect(program.output()).toContain("no-such-file.toml");
    expect(program.output()).not.toMatch(/^ {4}at /m);
  });

  test("ends at once, although it holds its owner's pipe, when the edge cannot start", async () => {
    const program = gatehouse(["edge", "--port", "0"], { APP_ORIGIN: "foo", GATEHOUSE_OWNED: "1", stdin: "pipe" });
    expect(await program.closed).toBe(1);
    expect(program.output()).toMatch(/^gatehouse: APP_ORIGIN must be .*\.$/m);
  });

  test("ends both, with the sentence of the one that could not start", async () => {
    const ports = { EDGE_PORT: String(await freePort()), DAEMON_PORT: String(await freePort()) };
    const program = gatehouse(["up"], { ...ports, APP_ORIGIN: "foo" });
    expect(await program.closed).toBe(1);
    expect(program.output()).toMatch(/gatehouse: APP_ORIGIN must be /);
    expect(program.output()).toMatch(/^gatehouse: the edge ended by itself \(exit code 1\): ending the rest\.$/m);
  });

  test("runs the edge alone until its owner lets go of stdin", async () => {
    const database = { DATABASE_URL: `postgres://nobody@127.0.0.1:${await freePort()}/none` };
    const program = gatehouse(["edge", "--port", "0"], { ...database, GATEHOUSE_OWNED: "1", stdin: "pipe" });
    const [, url] = await program.printed(/"url":"(http[^"]+)"/);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    program.child.stdin?.end();
    expect(await program.closed).toBe(0);
  });

  test("starts its threads from what set-up has built, and nothing beside itself", async () => {
    const program = gatehouse(["edge", "--port", "0"], { DATABASE_URL: "", PASSWORD_PROFILE: "development" });
    const [, url] = await program.printed(/"url":"(http[^"]+)"/);
    const registered = await fetch(`${url}/v1/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"email":"ann@example.com","password":"correct horse battery staple"}',
    });
    expect(registered.status).toBe(201);
    const processes = execFileSync("ps", ["-axo", "ppid=,comm="], { encoding: "utf8" }).split("\n");
    expect(processes.filter((line) => Number.parseInt(line, 10) === program.child.pid)).toEqual([]);
    expect(await program.stop("SIGTERM")).toBe(0);
  });
});
