import { rmSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limitMemoryGrowth } from "../../../../../src/db/drivers/pglite/memory-limit.ts";
import { freshDataDir } from "../../../../fixtures/pglite-folder.ts";

const { grow } = WebAssembly.Memory.prototype;
let dataDir: string;
let pglite: PGlite;

beforeAll(async () => {
  dataDir = await freshDataDir();
  pglite = await PGlite.create(join(dataDir, "pglite"));
  limitMemoryGrowth(32 * 1024 * 1024);
});
afterAll(async () => {
  WebAssembly.Memory.prototype.grow = grow;
  await pglite.close();
  rmSync(dataDir, { recursive: true });
});

const lengthOf = (bytes: number) => pglite.query(`select length(repeat('x', ${bytes}))`);

describe("limitMemoryGrowth", () => {
  it("lets a statement that wants more fail with out of memory, and PGlite go on", async () => {
    await expect(lengthOf(200_000_000)).rejects.toMatchObject({ code: "53200" });
    expect((await lengthOf(1_000_000)).rows).toEqual([{ length: 1_000_000 }]);
    await expect(lengthOf(200_000_000)).rejects.toMatchObject({ code: "53200" });
    expect((await lengthOf(1_000_000)).rows).toEqual([{ length: 1_000_000 }]);
  });
});
