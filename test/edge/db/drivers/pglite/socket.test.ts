import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeLeftSocket, socketPath } from "../../../../../src/db/drivers/pglite/socket.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Listens in the folder; what it gives ends that and leaves the socket there, as a kill does. */
async function listen(): Promise<() => Promise<void>> {
  const server = createServer();
  server.listen(join(folder, "bound"));
  await once(server, "listening");
  renameSync(join(folder, "bound"), socketPath(folder));
  return async () => {
    server.close();
    await once(server, "close");
  };
}

async function leaveSocket(): Promise<void> {
  await (await listen())();
}

describe("removeLeftSocket", () => {
  it("removes a private folder with the socket of a killed owner, or without", async () => {
    await leaveSocket();
    await removeLeftSocket(folder);
    expect(existsSync(folder)).toBe(false);
    mkdirSync(folder, { mode: 0o700 });
    await removeLeftSocket(folder);
    expect(existsSync(folder)).toBe(false);
    await removeLeftSocket(folder);
  });

  it("leaves a socket alone at which somebody listens: the owner of whom this folder is a copy", async () => {
    const stop = await listen();
    await removeLeftSocket(folder);
    expect(existsSync(socketPath(folder))).toBe(true);
    await stop();
  });

  it.each<[string, () => void]>([
    ["is open to others", () => chmodSync(folder, 0o755)],
    ["holds something else", () => writeFileSync(join(folder, "thesis"), "")],
    [
      "is not named as ours are",
      () => {
        const victim = `${folder}-victim`;
        renameSync(folder, victim);
        folder = victim;
      },
    ],
    [
      "is not where ours are",
      () => {
        const elsewhere = join(folder, "gatehouse-AbCdEf");
        mkdirSync(elsewhere, { mode: 0o700 });
        renameSync(socketPath(folder), socketPath(elsewhere));
      },
    ],
  ])("leaves a folder alone that %s", async (_, make) => {
    await leaveSocket();
    make();
    const inside = join(folder, "gatehouse-AbCdEf");
    const named = existsSync(inside) ? inside : folder;
    await removeLeftSocket(named);
    expect(existsSync(socketPath(named))).toBe(true);
  });

  it("leaves a folder alone of which the socket is a file", async () => {
    writeFileSync(socketPath(folder), "precious");
    await removeLeftSocket(folder);
    expect(existsSync(socketPath(folder))).toBe(true);
  });
});
