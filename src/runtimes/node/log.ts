import { destination, type Logger, pino } from "pino";
import { describeError } from "../../middleware/log.ts";

/** Bytes of lines that wait for a reader of stderr; what comes while there are so many is left out, and every later line says how many there were. */
const MAX_WAITING_BYTES = 1_048_576;

/** JSON lines on stderr. A reader that does not read holds up no request; what waits is written when the process ends. */
export function createLog(name: string, descriptor = 2): Logger {
  const output = destination({ dest: descriptor, sync: false, maxLength: MAX_WAITING_BYTES });
  outliveFullDisk(output);
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

/**
 * A log that cannot be written is no reason to end: what waits is tried again with the next line. At the process's end it is given up, because
 * sonic-boom's `flushSync` tries for ever what a full disk does not take.
 */
function outliveFullDisk(output: ReturnType<typeof destination>): void {
  let isFailing = false;
  output.on("error", () => {
    isFailing = true;
  });
  output.on("write", () => {
    isFailing = false;
  });
  const flushSync = output.flushSync.bind(output);
  output.flushSync = () => {
    if (!isFailing) flushSync();
  };
}
