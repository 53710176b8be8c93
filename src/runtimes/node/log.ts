import { destination, type Logger, pino } from "pino";
import { describeError } from "../../middleware/log.ts";

/** Bytes of lines that wait for a reader of stderr; what comes while there are so many is left out, and every later line says how many there were. */
const MAX_WAITING_BYTES = 1_048_576;

/** JSON lines on stderr. A reader that does not read holds up no request; what waits is written when the process ends. */
export function createLog(name: string, descriptor = 2): Logger {
  const output = destination({ dest: descriptor, sync: false, maxLength: MAX_WAITING_BYTES });
  let leftOut = 0;
  output.on("drop", () => leftOut++);
  return pino(
    {
      base: { name, pid: process.pid },
      serializers: { err: describeError },
      mixin: () => (leftOut === 0 ? {} : { linesLeftOut: leftOut }),
    },
    output,
  );
}
