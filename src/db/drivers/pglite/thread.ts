/** What runs in the embedded database's thread: PGlite and its server. Bundled by runtimes/node/thread-program.ts, or at set-up. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { wrapDriverError } from "../../query-error.ts";
import { PgliteBackend } from "./backend.ts";
import { BusyDeadline } from "./deadline.ts";
import { servePglite } from "./server.ts";

export interface PgliteThreadData {
  readonly folder: string;
  readonly socketFolder: string;
  readonly deadline: BigInt64Array;
}

/** `serving`, or the sentence that says why not. The one message it takes asks it to end, whatever it says. */
export type PgliteThreadReport = "serving" | { readonly refusal: string };

const { folder, socketFolder, deadline } = workerData as PgliteThreadData;
const report = (message: PgliteThreadReport) => parentPort?.postMessage(message);

try {
  if (!existsSync(folder)) await initialise();
  // Ends this thread only, on the spot.
  const onBroken = () => process.exit(1);
  const backend = await PgliteBackend.open({ folder, deadline: new BusyDeadline(deadline), onBroken });
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

/** Makes the database beside its place and moves it there when it is whole: a kill meanwhile leaves nothing half made. */
async function initialise(): Promise<void> {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  await (await PGlite.create(unfinished)).close();
  renameSync(unfinished, folder);
}
