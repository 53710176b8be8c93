import { Worker } from "node:worker_threads";
import { DatabaseError } from "../../../errors.ts";
import { BusyDeadline } from "./deadline.ts";
import type { PgliteThreadData, PgliteThreadReport } from "./thread.ts";

export interface StartPgliteThreadOptions {
  /** What a thread runs: thread.ts in one piece. */
  readonly program: URL;
  readonly folder: string;
  /** There is no database yet, so it makes one. */
  readonly isNew: boolean;
  readonly socketFolder: string;
}

export interface PgliteThread {
  /** It has been busy with one call for longer than it may. */
  readonly isOverdue: boolean;
  /** Resolves when it has ended, for whatever reason; with what it threw, if it did. */
  readonly ended: Promise<Error | undefined>;
  /** Lets it write all down and end. */
  close(): Promise<void>;
  /** Ends it on the spot, also in the middle of a statement. The files stay as a kill leaves them: PGlite mends that. */
  kill(): Promise<void>;
}

/** Time for the last statement and the last checkpoint; after it they are cut off, which loses nothing that was answered. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Starts PGlite and its server in a thread of their own. Throws `DatabaseError` when they do not come up. */
export async function startPgliteThread({
  program,
  folder,
  isNew,
  socketFolder,
}: StartPgliteThreadOptions): Promise<PgliteThread> {
  const deadline = new BusyDeadline();
  const data: PgliteThreadData = { folder, isNew, socketFolder, deadline: deadline.cell };
  const worker = new Worker(program, { workerData: data, execArgv: [], env: {}, name: "gatehouse-pglite" });
  let crash: Error | undefined;
  // Unheard, the event would end the process; the end of the thread follows.
  worker.on("error", (error) => {
    crash = error;
  });
  const ended = new Promise<Error | undefined>((resolve) => worker.once("exit", () => resolve(crash)));
  const kill = async () => void (await worker.terminate());

  const report = await new Promise<PgliteThreadReport>((resolve) => {
    worker.once("message", resolve);
    void ended.then(() => resolve({ refusal: "the embedded database broke while it was opened" }));
  });
  if (report !== "serving") {
    await kill();
    throw new DatabaseError("DATABASE_UNAVAILABLE", report.refusal, { cause: crash, retryAfterSeconds: 5 });
  }

  return {
    get isOverdue() {
      return deadline.hasPassed;
    },
    ended,
    kill,
    async close() {
      const timer = setTimeout(kill, CLOSE_TIMEOUT_MS);
      worker.postMessage("close");
      await ended;
      clearTimeout(timer);
    },
  };
}
