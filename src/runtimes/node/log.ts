import { destination, type Logger, pino } from "pino";
import { describeError } from "../../middleware/log.ts";

/** JSON lines on stderr, written synchronously so that none is lost when the process ends. */
export function createLog(name: string): Logger {
  return pino(
    { base: { name, pid: process.pid }, serializers: { err: describeError } },
    destination({ dest: 2, sync: true }),
  );
}
