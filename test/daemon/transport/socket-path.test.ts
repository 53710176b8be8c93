import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSocketFolder } from "../../../daemon/transport/socket-path.ts";

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(parent, { recursive: true, force: true });
});

const unusable = expect.objectContaining({ code: "SOCKET_DIR_UNUSABLE" });

/** A folder as a daemon leaves it, with the owner's note. */
function leftBehind(name: string, note: string): string {
  const folder = join(parent, name);
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "owner"), note);
  writeFileSync(join(folder, "1.sock"), "");
  return folder;
}

describe("createSocketFolder", () => {
  it("makes a folder that only its user can enter, and a new path each time", () => {
    const folder = createSocketFolder(parent);
    const paths = [folder.next(), folder.next()];
    expect(lstatSync(dirname(paths[0] ?? "")).mode & 0o777).toBe(0o700);
    expect(new Set(paths).size).toBe(2);
    folder.remove();
    expect(existsSync(dirname(paths[0] ?? ""))).toBe(false);
  });

  it("makes another folder when its own was cleaned away", () => {
    const folder = createSocketFolder(parent);
    const first = dirname(folder.next());
    rmSync(first, { recursive: true });
    const second = dirname(folder.next());
    expect([existsSync(second), existsSync(join(second, "owner"))]).toEqual([true, true]);
    folder.remove();
    expect(existsSync(second)).toBe(false);
  });

  it("makes the parent when it is not there", () => {
    const folder = createSocketFolder(join(parent, "a/b"));
    expect(lstatSync(join(parent, "a/b")).mode & 0o777).toBe(0o700);
    folder.remove();
  });

  it("removes what a daemon that is gone left behind, and nothing else", () => {
    const gone = leftBehind("gatehouse-daemon-gone", "4194304 12345");
    const reused = leftBehind("gatehouse-daemon-reused", `${process.pid} 1`);
    const own = readFileSync("/proc/self/stat", "latin1").split(") ")[1]?.split(" ")[19];
    const live = leftBehind("gatehouse-daemon-live", `${process.pid} ${own}`);
    const strange = join(parent, "gatehouse-daemon-strange");
    mkdirSync(strange);
    const other = leftBehind("something-else", "4194304 12345");
    createSocketFolder(parent).remove();
    expect([gone, reused, live, strange, other].map((folder) => existsSync(folder))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it("does not follow a link that looks like a folder left behind", () => {
    const precious = leftBehind("precious", "4194304 12345");
    symlinkSync(precious, join(parent, "gatehouse-daemon-link"));
    createSocketFolder(parent).remove();
    expect(existsSync(join(precious, "owner"))).toBe(true);
  });

  it("refuses a parent that is a link, a file, or open to others", () => {
    symlinkSync(parent, join(parent, "link"));
    writeFileSync(join(parent, "file"), "");
    mkdirSync(join(parent, "open"));
    chmodSync(join(parent, "open"), 0o777);
    for (const name of ["link", "link/", "link/.", "file", "open"])
      expect(() => createSocketFolder(`${parent}/${name}`)).toThrow(unusable);
  });

  it("refuses a parent that is another user's", () => {
    const theirs = join(parent, "theirs");
    mkdirSync(theirs);
    // Only root can give a folder away; whoever is not root takes itself for somebody else.
    if (process.getuid?.() === 0) chownSync(theirs, 65_534, 65_534);
    else vi.spyOn(process, "getuid").mockReturnValue(65_533);
    expect(() => createSocketFolder(theirs)).toThrow(unusable);
  });

  it("refuses a parent that cannot be made, and comes back to say so", () => {
    expect(() => createSocketFolder("/proc/none/sockets")).toThrow(unusable);
  });

  it("refuses a temp folder that is full or not there in one sentence, and leaves nothing there", () => {
    const full = () => {
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    expect(() => createSocketFolder(parent, full)).toThrow(unusable);
    expect(readdirSync(parent)).toEqual([]);
    vi.stubEnv("TMPDIR", join(parent, "gone"));
    expect(() => createSocketFolder(undefined)).toThrow(unusable);
  });

  it("refuses a parent whose path is too long for a socket, and leaves nothing there", () => {
    const long = join(parent, "x".repeat(80));
    expect(() => createSocketFolder(long)).toThrow(unusable);
    expect(existsSync(long) && lstatSync(long).nlink).toBe(2);
  });
});
