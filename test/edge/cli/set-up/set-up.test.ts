import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copyCheckout } from "../../../fixtures/copy-checkout.ts";
import { freePort } from "../../../fixtures/free-port.ts";
import { processesIn } from "../../../fixtures/processes-in.ts";
import { startProgram } from "../../../fixtures/program.ts";

const checkout = fileURLToPath(new URL("../../../..", import.meta.url));

let folder: string;
let tools: string;
let env: NodeJS.ProcessEnv;

/** As much of a fresh clone as set-up reads, and a PATH on which only what a test puts there is found. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-set-up-"));
  tools = join(folder, "tools");
  mkdirSync(tools);
  copyCheckout(folder, {
    only: ["package.json", "package-lock.json", "src/cli", "src/password/kernel", "python", "drizzle"],
  });
  env = {
    PATH: tools,
    HOME: folder,
    EDGE_PORT: String(await freePort()),
    DAEMON_PORT: String(await freePort()),
    npm_config_cache: join(folder, "npm-cache"),
  };
});

afterEach(() => {
  for (const { pid } of processesIn(folder)) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function fakeTool(name: string, script: string): string {
  const file = join(tools, name);
  writeFileSync(file, script.startsWith("#!") ? script : `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** An npm of the kind that set-up is run by: a script that its own Node runs. */
function fakeNpm(script: string): void {
  const file = join(tools, "npm-cli.cjs");
  writeFileSync(file, script);
  env.npm_execpath = file;
}

function setUp(command: string, nodeFlags: string[] = []) {
  return startProgram(process.execPath, [...nodeFlags, "src/cli/set-up.mjs", command], { cwd: folder, env });
}

async function failure(command: string, nodeFlags: string[] = []): Promise<string> {
  const program = setUp(command, nodeFlags);
  expect(await program.closed).toBe(1);
  const sentences = program.output().match(/^gatehouse: .*$/gm) ?? [];
  expect(sentences).toHaveLength(1);
  expect(program.output()).not.toMatch(/^ {4}at /m);
  return sentences[0] ?? "";
}

/** What npm and pip would have installed, as far as set-up looks. */
function pretendNpmPackages(): void {
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
}

describe("set-up", () => {
  test("says that Node is too old, and which is needed", async () => {
    const pretend = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })";
    expect(await failure("start", ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`])).toBe(
      "gatehouse: Node 18.20.8 is too old: Gatehouse needs Node 20.19 or newer.",
    );
  });

  test("knows three commands and answers others with its usage, exit code 2", async () => {
    const program = setUp("sprat");
    expect(await program.closed).toBe(2);
    expect(program.output()).toContain("usage: node src/cli/set-up.mjs start");
  });

  test("says that the registry cannot be reached", async () => {
    env.PATH = process.env.PATH;
    env.npm_config_registry = `http://127.0.0.1:${await freePort()}/`;
    expect(await failure("packages")).toBe(
      "gatehouse: The npm packages cannot be installed: the package registry cannot be reached. Look at your network or proxy and try again.",
    );
  });

  test("says that the disk is full", async () => {
    fakeNpm(
      'console.error("npm error code ENOSPC\\nnpm error nospc ENOSPC: no space left on device, write"); process.exit(228);',
    );
    expect(await failure("packages")).toContain("the disk is full. Free some space and try again.");
  });

  test("does not believe an npm that exits 0 with half a package, and installs anew the next time", async () => {
    fakeNpm(`
      const { mkdirSync, writeFileSync } = require("node:fs");
      mkdirSync("node_modules", { recursive: true });
      writeFileSync("node_modules/.package-lock.json", "{}");
      console.error("npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write");
    `);
    expect(await failure("packages")).toContain("the disk is full");
    expect(existsSync(join(folder, "node_modules", ".package-lock.json"))).toBe(false);
  });

  test("says that there is no Python", async () => {
    pretendNpmPackages();
    expect(await failure("start")).toBe(
      "gatehouse: There is no python3 on the PATH: Gatehouse needs Python 3.10 or newer for its models.",
    );
  });

  test("says that Python is too old, and which is needed", async () => {
    pretendNpmPackages();
    fakeTool("python3", "echo 3 9; echo /usr/bin/python3.9");
    expect(await failure("start")).toBe(
      "gatehouse: Python 3.9 is too old: Gatehouse needs Python 3.10 or newer on the PATH, as python3 or python3.<minor>.",
    );
  });

  test("says that `python3 -m venv` is missing, and leaves no half of an environment", async () => {
    pretendNpmPackages();
    const python = fakeTool(
      "python3",
      `case "$1" in
         -c) echo 3 11; echo "$0";;
         *) mkdir -p "$4/bin"; echo "The virtual environment was not created successfully because ensurepip is not available."; exit 1;;
       esac`,
    );
    copyFileSync("/bin/mkdir", join(dirname(python), "mkdir"));
    chmodSync(join(tools, "mkdir"), 0o755);
    expect(await failure("start")).toContain(
      "`python3 -m venv` does not work here: install your system's venv package",
    );
    expect(existsSync(join(folder, ".venv"))).toBe(false);
  });

  test("takes a newer Python beside one that is too old", async () => {
    pretendNpmPackages();
    fakeTool("python3", "echo 3 9; echo /usr/bin/python3.9");
    fakeTool("python3.12", `case "$1" in -c) echo 3 12; echo "$0";; *) echo "this is 3.12"; exit 1;; esac`);
    const program = setUp("start");
    expect(await program.closed).toBe(1);
    expect(program.output()).toContain(
      "The Python environment cannot be made. The end of the output was:\n  this is 3.12",
    );
  });

  test("installs what a person's own models import, after the packages of the lock file", async () => {
    pretendNpmPackages();
    mkdirSync(join(folder, ".venv", "bin"), { recursive: true });
    mkdirSync(join(folder, ".venv", "lib"));
    const calls = join(folder, "calls");
    copyFileSync(fakeTool("python", `echo "$*" >> "${calls}"`), join(folder, ".venv", "bin", "python"));
    writeFileSync(join(folder, "python", "requirements-models.txt"), "torch\n");
    await setUp("start").closed;
    const installed = readFileSync(calls, "utf8").match(/pip install .*/g) ?? [];
    expect(installed).toEqual([
      expect.stringMatching(/--require-hashes .*requirements\.lock$/),
      expect.stringMatching(/^(?!.*--require-hashes).*requirements-models\.txt$/),
    ]);
  });

  test.each([
    ["/dev/null", "because a file of that name is in the way"],
    ["/dev/null/data", "because a part of its path is a file"],
  ])("says that DATA_DIR=%s cannot be made", async (dataDir, reason) => {
    env.DATA_DIR = dataDir;
    expect(await failure("start")).toContain(`DATA_DIR (${dataDir}) cannot be made, ${reason}`);
  });

  test("ends what it runs when it is asked to end, and leaves no lock", async () => {
    fakeNpm('console.log("installing"); setInterval(() => {}, 1000);');
    const program = setUp("packages");
    await program.printed(/npm ci, what running needs/);
    await program.stop("SIGTERM");
    expect(program.output()).toContain("gatehouse: set-up was interrupted (SIGTERM).");
    expect(processesIn(folder)).toEqual([]);
  });

  test("ends what it runs when npm was killed", async () => {
    fakeNpm('console.log("installing"); setInterval(() => {}, 1000);');
    env.npm_lifecycle_event = "start";
    const npm = startProgram("/bin/sh", ["-c", `"${process.execPath}" src/cli/set-up.mjs packages; exit`], {
      cwd: folder,
      env,
    });
    await npm.printed(/npm ci, what running needs/);
    npm.child.kill("SIGKILL");
    await npm.closed;
    expect(npm.output()).toContain("gatehouse: set-up was interrupted (npm is gone).");
    expect(processesIn(folder)).toEqual([]);
  });

  test("lets one set-up at a time into the checkout", async () => {
    fakeNpm('console.log("installing"); process.stdin.on("data", () => {}); setInterval(() => {}, 1000);');
    const first = setUp("packages");
    await first.printed(/npm ci, what running needs/);
    const second = setUp("packages");
    await second.printed(/waiting for another set-up of this checkout \(process \d+\)/);
    await first.stop("SIGTERM");
    await second.printed(/npm ci, what running needs/);
    await second.stop("SIGTERM");
  });
});
