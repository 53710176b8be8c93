import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { type DestinationStream, pino } from "pino";

/** Bytes of lines that wait for a reader; what comes while there are so many is left out. */
const MAX_WAITING_BYTES = 1_048_576;

const NEWLINE = 10;

export interface LogOutput extends DestinationStream {
  /** Resolves once nothing waits any more, or after `ms`. */
  flush(ms: number): Promise<void>;
}

/** `writeSync`: gives how many bytes it has written from `offset` on. */
type WriteFile = (descriptor: number, bytes: Buffer, offset: number) => number;

/**
 * Where the log goes: a descriptor, stdout's unless given. A pipe whose reader does not read holds up nobody here: lines wait, within a bound, and
 * then are left out and counted. To a file or a terminal each line is written at once; what a full disk does not take is left out and counted too.
 */
export function openLogOutput(descriptor = 1, writeFile: WriteFile = writeSync): LogOutput {
  const kind = fstatSync(descriptor);
  if (kind.isFIFO() || kind.isSocket()) return new PipeOutput(new Socket({ fd: descriptor, readable: false }));
  return new FileOutput(descriptor, writeFile);
}

class FileOutput implements LogOutput {
  private leftOut = 0;
  /** A line was cut: what comes next starts a line of its own. */
  private isInLine = false;

  constructor(
    private readonly descriptor: number,
    private readonly writeFile: WriteFile,
  ) {}

  write(line: string): void {
    // A log that cannot be written is no reason to end: the daemon is there for its callers.
    if (this.leftOut > 0 && this.put(leftOutText(this.leftOut, "they could not be written"))) this.leftOut = 0;
    if (this.leftOut > 0 || !this.put(line)) this.leftOut++;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether all of it was written. */
  private put(line: string): boolean {
    const bytes = Buffer.from(this.isInLine ? `\n${line}` : line);
    let written = 0;
    try {
      while (written < bytes.length) written += this.writeFile(this.descriptor, bytes, written);
    } catch {
      if (written > 0) this.isInLine = bytes[written - 1] !== NEWLINE;
      return false;
    }
    this.isInLine = false;
    return true;
  }
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
      this.pipe.write(leftOutText(this.leftOut, "nobody read them"));
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

/** A line in the shape of pino's own. */
function leftOutText(count: number, why: string): string {
  const level = pino.levels.values.warn;
  const time = new Date().toISOString();
  return `${JSON.stringify({ level, time, part: "daemon", message: `(${count} lines left out: ${why})` })}\n`;
}
