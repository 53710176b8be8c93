/** What runs in the embedded database's thread: PGlite and its server. Bundled by runtimes/node/thread-program.ts, or at set-up. */
import { existsSync, renameSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { DatabaseError } from "../../../errors.ts";
import { wrapDriverError } from "../../query-error.ts";
import { PgliteBackend } from "./backend.ts";
import { unfinishedFolder } from "./data-folder.ts";
import { BusyDeadline } from "./deadline.ts";
import { limitMemoryGrowth } from "./memory-limit.ts";
import { servePglite } from "./server.ts";
import { restoreSocketFolder } from "./socket.ts";

export interface PgliteThreadData {
  readonly folder: string;
  /** There is no database yet, so it makes one. */
  readonly isNew: boolean;
  readonly socketFolder: string;
  readonly deadline: BigInt64Array;
}

/** `serving`, or the sentence that says why not. The one message it takes asks it to end, whatever it says. */
export type PgliteThreadReport = "serving" | { readonly refusal: string };

const { folder, isNew, socketFolder, deadline } = workerData as PgliteThreadData;
const report = (message: PgliteThreadReport) => parentPort?.postMessage(message);

try {
  if (isNew) await initialise();
  // PGlite would make an empty one in its place.
  if (!existsSync(folder))
    throw new DatabaseError("DATABASE_UNAVAILABLE", "the embedded database is not there any more");
  // Ends this thread only, on the spot.
  const onBroken = () => process.exit(1);
  const backend = await PgliteBackend.open({ folder, deadline: new BusyDeadline(deadline), onBroken });
  restoreSocketFolder(socketFolder);
  limitMemoryGrowth();
  const server = await servePglite(socketFolder, backend);
  parentPort?.once("message", async () => {
    await server.close();
    await backend.close();
    process.exit(0);
  });
  report("serving");
} catch (error) {
  report({ refusal: wrapDriverError(error).message });
}

/** Makes the database beside its place, in a folder that is empty and locked, and moves it there when it is whole. */
async function initialise(): Promise<void> {
  const unfinished = unfinishedFolder(folder);
  await (await PGlite.create(unfinished)).close();
  renameSync(unfinished, folder);
}
