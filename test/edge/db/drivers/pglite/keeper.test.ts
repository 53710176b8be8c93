import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { type PgliteChange, PgliteKeeper } from "../../../../../src/db/drivers/pglite/keeper.ts";

/** A thread that says it serves, then does what `script` says. `deadline` is its shared memory. */
const thread = (script: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort, workerData } from "node:worker_threads";
    const { deadline, folder } = workerData;
    parentPort.on("message", () => process.exit(0));
    ${script}`)}`,
  );

const folder = mkdtempSync(join(tmpdir(), "gatehouse-keeper-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SERVES = 'parentPort.postMessage("serving");';
const changes: PgliteChange[] = [];
const keepers: PgliteKeeper[] = [];

/** Opens the thread and gives what it says about it, once it has said so much. */
async function keep(script: string, { isInPlace = (): boolean => true, socketFolder = "unused" } = {}) {
  let told: () => void = () => undefined;
  const keeper = await PgliteKeeper.open({
    program: thread(script),
    folder: { path: join(folder, String(keepers.length)), isNew: false, isInPlace },
    socketFolder,
    onChange: (change) => {
      changes.push(change);
      told();
    },
  });
  keepers.push(keeper);
  const untilSaid = async (count: number) => {
    while (changes.length < count) await new Promise<void>((resolve) => (told = resolve));
    return changes.map(({ sentence }) => sentence);
  };
  return { keeper, untilSaid };
}

afterEach(async () => {
  changes.length = 0;
  for (const keeper of keepers.splice(0)) await keeper.close();
});

describe("PgliteKeeper", { timeout: 30_000 }, () => {
  it.each([
    ["ends before it serves", "process.exit(0);", "the embedded database broke while it was opened"],
    ["throws before it serves", 'throw new Error("wrong");', "the embedded database broke while it was opened"],
    ["says why it cannot", 'parentPort.postMessage({ refusal: "no room" });', "no room"],
  ])("does not open a thread that %s", async (_, script, sentence) => {
    await expect(keep(script)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", message: sentence });
  });

  it("refuses statements once the thread has crashed, says so, and opens another", async () => {
    // Its folder is there the second time.
    const { keeper, untilSaid } = await keep(`${SERVES}
      const { existsSync, mkdirSync } = await import("node:fs");
      if (!existsSync(folder)) {
        mkdirSync(folder);
        throw new Error("crashed");
      }`);
    expect(await untilSaid(1)).toEqual(["the embedded database broke; it is being opened again"]);
    expect(changes[0]?.cause?.message).toBe("crashed");
    expect(() => keeper.assertOpen()).toThrow("the embedded database broke");
    expect((await untilSaid(2))[1]).toBe("the embedded database is open again");
    keeper.assertOpen();
  });

  it("waits at its end for a thread that is just opening the folder again, and ends that too", async () => {
    const opening = join(folder, "opening");
    const { keeper, untilSaid } = await keep(`
      const { existsSync, writeFileSync } = await import("node:fs");
      const first = !existsSync(${JSON.stringify(opening)});
      writeFileSync(${JSON.stringify(opening)}, "");
      process.once("exit", () => writeFileSync(${JSON.stringify(`${opening}.ended`)}, ""));
      if (!first) await new Promise((resolve) => setTimeout(resolve, 200));
      ${SERVES}
      if (first) throw new Error("crashed");`);
    await untilSaid(1);
    rmSync(`${opening}.ended`);
    const watcher = watch(opening);
    await once(watcher, "change");
    watcher.close();
    await keeper.close();
    expect(existsSync(`${opening}.ended`)).toBe(true);
  });

  it.each([
    ["while it is open", SERVES],
    ["before it is opened again", `${SERVES} throw new Error("crashed");`],
  ])("never opens it again once its folder was removed or replaced %s, and says so", async (_, script) => {
    let inPlace = true;
    const { keeper, untilSaid } = await keep(script, { isInPlace: () => inPlace });
    inPlace = false;
    expect(() => keeper.assertOpen()).toThrow("the embedded database");
    const sentence =
      "the embedded database's folder was removed or replaced while it was open: end this process and start it again";
    while (changes.at(-1)?.sentence !== sentence) await untilSaid(changes.length + 1);
    expect(changes.some(({ open }) => open)).toBe(false);
    expect(() => keeper.assertOpen()).toThrow(sentence);
  });

  it("opens it again when its socket was removed", async () => {
    const socketFolder = mkdtempSync(join(folder, "socket-"));
    const listens = `const { writeFileSync } = await import("node:fs");
      writeFileSync(workerData.socketFolder + "/.s.PGSQL.5432", ""); ${SERVES}`;
    const { keeper, untilSaid } = await keep(listens, { socketFolder });
    rmSync(join(socketFolder, ".s.PGSQL.5432"));
    expect(await untilSaid(2)).toEqual([
      "the embedded database's socket was removed; it is being opened again",
      "the embedded database is open again",
    ]);
    keeper.assertOpen();
  });

  const STUCK = `Atomics.store(deadline, 0, process.hrtime.bigint()); ${SERVES} for (;;);`;

  it("kills a thread that is stuck in a statement for longer than it may be", async () => {
    const { keeper, untilSaid } = await keep(STUCK);
    const sentence = "a statement took too long and was cut off together with the embedded database";
    expect(await untilSaid(1)).toEqual([`${sentence}; it is being opened again`]);
    expect(() => keeper.assertOpen()).toThrow(sentence);
  });

  it("leaves a long statement of its own process alone until that is over", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const { keeper } = await keep(STUCK);
      const over = keeper.allowLongStatements();
      for (let look = 0; look < 100; look += 1) {
        vi.advanceTimersByTime(500);
        await setImmediate();
      }
      keeper.assertOpen();
      over();
      over();
      vi.advanceTimersByTime(500);
      while (changes.length === 0) await setImmediate();
      expect(() => keeper.assertOpen()).toThrow("a statement took too long");
    } finally {
      vi.useRealTimers();
    }
  });
});
