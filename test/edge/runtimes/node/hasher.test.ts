import { afterAll, describe, expect, it } from "vitest";
import { createNodeHasher } from "../../../../src/runtimes/node/hasher.ts";

describe("the hasher on Node", () => {
  const hasher = createNodeHasher({ profile: "development", threads: 2 });
  afterAll(() => hasher.close());

  it("hashes and verifies on its threads", async () => {
    const stored = await hasher.hash("correct horse");
    expect(await hasher.verify("correct horse", stored)).toEqual({ ok: true, needsRehash: false });
    expect((await hasher.verify("wrong horse", stored)).ok).toBe(false);
    expect((await hasher.verify("correct horse", null)).ok).toBe(false);
  });

  it("answers many callers, each with its own answer", async () => {
    const stored = await Promise.all(Array.from({ length: 8 }, (_, index) => hasher.hash(`password ${index}`)));
    const answers = await Promise.all(stored.map((hash, index) => hasher.verify(`password ${index % 4}`, hash)));
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, true, false, false, false, false]);
  });

  it("gives 48 MiB, three passes and one lane unless told otherwise", async () => {
    const standard = createNodeHasher();
    try {
      expect(await standard.hash("correct horse")).toContain("$argon2id$v=19$m=49152,t=3,p=1$");
    } finally {
      await standard.close();
    }
  });

  it("turns callers away once its queue is full", async () => {
    const small = createNodeHasher({ profile: "development", threads: 1, maxWaiting: 1 });
    try {
      const settled = await Promise.allSettled([1, 2, 3, 4].map((index) => small.hash(`password ${index}`)));
      expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
      expect(settled[3]).toMatchObject({ reason: { code: "HASHER_BUSY", retryAfterSeconds: 2 } });
    } finally {
      await small.close();
    }
  });

  it("takes no new work when it is closed", async () => {
    const closed = createNodeHasher({ profile: "development", threads: 1 });
    const working = closed.hash("correct horse");
    await closed.close();
    await expect(working).resolves.toContain("$argon2id$");
    await expect(closed.hash("late horse")).rejects.toMatchObject({ code: "HASHER_BUSY" });
  });
});
