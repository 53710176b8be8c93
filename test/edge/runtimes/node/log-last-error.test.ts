import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { startGatehouse } from "../../../fixtures/gatehouse.ts";
import { freshDataDir } from "../../../fixtures/pglite-folder.ts";

/** Loaded into the edge's process, so that there is a defect when it is asked for one. */
const DEFECT = 'process.on("SIGUSR2",()=>void(Promise.reject(new Error("a_defect"))))';

it("ends the edge at a rejection that nobody caught with one line of the log, not with a bare stack", async () => {
  const dataDir = await freshDataDir();
  const edge = startGatehouse(["edge", "--port", "0"], {
    DATA_DIR: dataDir,
    PASSWORD_PROFILE: "development",
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(DEFECT)}`,
  });
  try {
    await edge.printed(/edge is listening/);
    edge.child.kill("SIGUSR2");
    expect(await edge.closed).toBe(1);
    const lines = edge.output().trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ msg: "edge is listening" }),
      expect.objectContaining({
        level: 50,
        msg: "edge ended: nobody caught an error",
        err: expect.objectContaining({ message: "a_defect", stack: expect.any(String) }),
      }),
    ]);
  } finally {
    await edge.stop("SIGKILL");
    await rm(dataDir, { recursive: true });
  }
});
