import type { Log } from "../../middleware/log.ts";

/**
 * Ends the process with code 1 at an error or a rejection that nobody caught, as Node does: what is half done in it cannot be known. What Node
 * would print bare is a line of the log.
 */
export function logLastError(log: Log): void {
  process.once("uncaughtException", (err: unknown) => {
    log.error({ code: "INTERNAL", err }, "edge ended: nobody caught an error");
    // What the log has not yet written it writes at the exit.
    process.exit(1);
  });
}
