import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { type DestinationStream, pino } from "pino";

/** Bytes of lines that wait for a reader; what comes while there are so many is left out. */
const MAX_WAITING_BYTES = 1_048_576;

export interface LogOutput extends DestinationStream {
  /** Resolves once nothing waits any more, or after `ms`. */
  flush(ms: number): Promise<void>;
}

/**
 * Where the log goes: a descriptor, stdout's unless given. A pipe whose reader does not read holds up nobody here: lines wait, within a bound, and
 * then are left out and counted. To a file or a terminal each line is written at once.
 */
export function openLogOutput(descriptor = 1): LogOutput {
  const kind = fstatSync(descriptor);
  if (kind.isFIFO() || kind.isSocket()) return new PipeOutput(new Socket({ fd: descriptor, readable: false }));
  const output = pino.destination({ dest: descriptor, sync: true });
  return { write: (line) => output.write(line), flush: async () => undefined };
}

class PipeOutput implements LogOutput {
  private leftOut = 0;

  constructor(private readonly pipe: Socket) {
    // A reader that has gone is no reason to end: the daemon is there for its callers.
    pipe.on("error", () => undefined);
  }

  write(line: string): void {
    if (this.pipe.destroyed) return;
    if (this.pipe.writableLength + line.length > MAX_WAITING_BYTES) {
      this.leftOut++;
      return;
    }
    if (this.leftOut > 0) {
      this.pipe.write(`${JSON.stringify(leftOutLine(this.leftOut))}\n`);
      this.leftOut = 0;
    }
    this.pipe.write(line);
  }

  flush(ms: number): Promise<void> {
    if (this.pipe.writableLength === 0 || this.pipe.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      const finish = () => {
        clearTimeout(timer);
        resolve();
      };
      this.pipe.once("close", finish);
      this.pipe.write("", finish);
    });
  }
}

/** In the shape of pino's own lines. */
function leftOutLine(count: number) {
  const level = pino.levels.values.warn;
  return {
    level,
    time: new Date().toISOString(),
    part: "daemon",
    message: `(${count} lines left out: nobody read them)`,
  };
}
