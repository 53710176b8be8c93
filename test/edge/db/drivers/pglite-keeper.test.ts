import { afterEach, describe, expect, it } from "vitest";
import { type PgliteChange, PgliteKeeper } from "../../../../src/db/drivers/pglite-keeper.ts";

/** A thread that says it serves, then does what `script` says. `deadline` is its shared memory. */
const thread = (script: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort, workerData } from "node:worker_threads";
    const { deadline, folder } = workerData;
    parentPort.on("message", () => process.exit(0));
    ${script}`)}`,
  );

const SERVES = 'parentPort.postMessage("serving");';
const changes: PgliteChange[] = [];
const keepers: PgliteKeeper[] = [];

/** Opens the thread and gives what it says about it, once it has said so much. */
async function keep(script: string) {
  let told: () => void = () => undefined;
  const keeper = await PgliteKeeper.open({
    program: thread(script),
    folder: "unused",
    socketFolder: "unused",
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
    const { keeper, untilSaid } = await keep(`${SERVES} setTimeout(() => { throw new Error("crashed"); }, 10);`);
    keeper.assertOpen();
    expect(await untilSaid(1)).toEqual(["the embedded database broke; it is being opened again"]);
    expect(changes[0]?.cause?.message).toBe("crashed");
    expect(() => keeper.assertOpen()).toThrow("the embedded database broke");
    expect((await untilSaid(2))[1]).toBe("the embedded database is open again");
    keeper.assertOpen();
  });

  const STUCK = `${SERVES} Atomics.store(deadline, 0, process.hrtime.bigint()); for (;;);`;

  it("kills a thread that is stuck in a statement for longer than it may be", async () => {
    const { keeper, untilSaid } = await keep(STUCK);
    const sentence = "a statement took too long and was cut off together with the embedded database";
    expect(await untilSaid(1)).toEqual([`${sentence}; it is being opened again`]);
    expect(() => keeper.assertOpen()).toThrow(sentence);
  });

  it("leaves a long statement of its own alone until that is over", async () => {
    const { keeper, untilSaid } = await keep(STUCK);
    const over = keeper.allowLongStatements();
    const seen = await Promise.race([untilSaid(1), new Promise((resolve) => setTimeout(resolve, 1_500, "alone"))]);
    expect(seen).toBe("alone");
    over();
    over();
    expect(await untilSaid(1)).toHaveLength(1);
  });
});
