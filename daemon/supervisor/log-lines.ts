/** Bytes of one line of a worker's output that reach the log; the rest of the line is left out. */
export const MAX_LINE_BYTES = 8_192;

/** Lines of one worker that reach the log in a second; the rest is counted and left out. */
export const MAX_LINES_PER_SECOND = 200;

/** The last lines that are kept to explain why a worker ended. */
const TAIL_LINES = 20;

/** Characters of one line in that explanation. */
const TAIL_LINE_CHARACTERS = 500;

export interface LogLinesOptions {
  readonly now: () => number;
  readonly onLine: (line: string) => void;
  /** Lines were left out because there were too many. */
  readonly onDropped: (count: number) => void;
}

/** Cuts a process's output into lines, bounded in length and rate whatever the process writes. */
export class LogLines {
  private pieces: Buffer[] = [];
  private pieceBytes = 0;
  private windowStart = Number.NEGATIVE_INFINITY;
  private linesInWindow = 0;
  private dropped = 0;
  private readonly lastLines: string[] = [];

  constructor(private readonly options: LogLinesOptions) {}

  /** The last lines, oldest first, also of those that were left out of the log. */
  get tail(): readonly string[] {
    return this.lastLines;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.keep(chunk.subarray(start, end));
      this.endLine();
      start = end + 1;
    }
    this.keep(chunk.subarray(start));
  }

  /** Gives what is left without a newline, and what was left out. */
  end(): void {
    if (this.pieceBytes > 0) this.endLine();
    this.reportDropped();
  }

  private keep(piece: Buffer): void {
    const room = MAX_LINE_BYTES - this.pieceBytes;
    if (room <= 0 || piece.length === 0) return;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    this.pieces.push(Buffer.from(kept));
    this.pieceBytes += kept.length;
  }

  private endLine(): void {
    const line = Buffer.concat(this.pieces).toString("utf8").trimEnd();
    this.pieces = [];
    this.pieceBytes = 0;
    if (line === "") return;
    this.lastLines.push(line.slice(0, TAIL_LINE_CHARACTERS));
    if (this.lastLines.length > TAIL_LINES) this.lastLines.shift();
    const now = this.options.now();
    if (now - this.windowStart >= 1_000) {
      this.reportDropped();
      this.windowStart = now;
      this.linesInWindow = 0;
    }
    if (this.linesInWindow < MAX_LINES_PER_SECOND) {
      this.linesInWindow++;
      this.options.onLine(line);
    } else {
      this.dropped++;
    }
  }

  private reportDropped(): void {
    if (this.dropped === 0) return;
    this.options.onDropped(this.dropped);
    this.dropped = 0;
  }
}
