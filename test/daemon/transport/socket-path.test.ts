import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
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

/** A folder as a daemon that was killed leaves it: with the socket that it listened on. */
async function leftBehind(name: string): Promise<string> {
  const folder = join(parent, name);
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "1.sock"), "");
  const owner = createServer().listen(join(folder, "owner.new"));
  // Node removes only what has the name that it bound.
  renameSync(join(folder, "owner.new"), join(folder, "owner"));
  await new Promise((resolve) => owner.close(resolve));
  return folder;
}

describe("createSocketFolder", () => {
  it("makes a folder that only its user can enter, and a new path each time", async () => {
    const folder = await createSocketFolder(parent);
    const paths = [folder.next(), folder.next()];
    expect(lstatSync(dirname(paths[0] ?? "")).mode & 0o777).toBe(0o700);
    expect(new Set(paths).size).toBe(2);
    folder.remove();
    expect(existsSync(dirname(paths[0] ?? ""))).toBe(false);
  });

  it("makes another folder when its own was cleaned away", async () => {
    const folder = await createSocketFolder(parent);
    const first = dirname(folder.next());
    rmSync(first, { recursive: true });
    const second = dirname(folder.next());
    expect([existsSync(second), existsSync(join(second, "owner"))]).toEqual([true, true]);
    folder.remove();
    expect(existsSync(second)).toBe(false);
  });

  it("makes the parent when it is not there, and nothing above it, where a name may be misspelt", async () => {
    const folder = await createSocketFolder(join(parent, "a"));
    expect(lstatSync(join(parent, "a")).mode & 0o777).toBe(0o700);
    folder.remove();
    await expect(createSocketFolder(join(parent, "b/c"))).rejects.toThrow(
      `socket_dir "${parent}/b/c" in [daemon] cannot be made: there is no folder "${parent}/b"`,
    );
    expect(existsSync(join(parent, "b"))).toBe(false);
  });

  it("removes what a daemon that is gone left behind, and nothing else", async () => {
    const gone = await leftBehind("gatehouse-daemon-gone");
    const noted = await leftBehind("gatehouse-daemon-noted");
    rmSync(join(noted, "owner"));
    writeFileSync(join(noted, "owner"), "4194304 12345");
    const strange = join(parent, "gatehouse-daemon-strange");
    mkdirSync(strange);
    const other = await leftBehind("something-else");
    (await createSocketFolder(parent)).remove();
    expect([gone, noted, strange, other].map((folder) => existsSync(folder))).toEqual([false, true, true, true]);
  });

  it("leaves the folder of every daemon that lives, whatever process numbers mean where it runs", async () => {
    const live = await createSocketFolder(parent);
    const socket = live.next();
    const others = await Promise.all([1, 2, 3].map(() => createSocketFolder(parent)));
    expect(existsSync(dirname(socket))).toBe(true);
    for (const folder of [live, ...others]) folder.remove();
    expect(readdirSync(parent)).toEqual([]);
  });

  it("does not follow a link that looks like a folder left behind", async () => {
    const precious = await leftBehind("precious");
    symlinkSync(precious, join(parent, "gatehouse-daemon-link"));
    (await createSocketFolder(parent)).remove();
    expect(existsSync(join(precious, "owner"))).toBe(true);
  });

  it("refuses a parent that is a link, a file, or open to others", async () => {
    symlinkSync(parent, join(parent, "link"));
    writeFileSync(join(parent, "file"), "");
    mkdirSync(join(parent, "open"));
    chmodSync(join(parent, "open"), 0o777);
    for (const name of ["link", "link/", "link/.", "file", "open"])
      await expect(createSocketFolder(`${parent}/${name}`)).rejects.toThrow(unusable);
  });

  it("refuses a parent that is another user's", async () => {
    const theirs = join(parent, "theirs");
    mkdirSync(theirs);
    // Only root can give a folder away; whoever is not root takes itself for somebody else.
    if (process.getuid?.() === 0) chownSync(theirs, 65_534, 65_534);
    else vi.spyOn(process, "getuid").mockReturnValue(65_533);
    await expect(createSocketFolder(theirs)).rejects.toThrow(unusable);
  });

  it("refuses a parent that cannot be made, and comes back to say so", async () => {
    await expect(createSocketFolder("/proc/none/sockets")).rejects.toThrow(unusable);
  });

  it("refuses a temp folder that is full or not there in one sentence, and leaves nothing there", async () => {
    const full = () => {
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    await expect(createSocketFolder(parent, full)).rejects.toThrow(unusable);
    expect(readdirSync(parent)).toEqual([]);
    vi.stubEnv("TMPDIR", join(parent, "gone"));
    await expect(createSocketFolder(undefined)).rejects.toThrow(unusable);
  });

  it("refuses a parent whose path is too long for a socket, and leaves nothing there", async () => {
    const long = join(parent, "x".repeat(80));
    await expect(createSocketFolder(long)).rejects.toThrow(unusable);
    expect(existsSync(long) && lstatSync(long).nlink).toBe(2);
  });
});
