import type { Clock, Timer } from "../clock.ts";
import type { LineLevel } from "./output-line.ts";

/** Bytes of one line of a worker's output that reach the log; the rest of the line is left out. */
export const MAX_LINE_BYTES = 8_192;

/** Lines of one worker that reach the log as they come, in a second; of the rest the last HELD_LINES follow at its end. */
export const MAX_LINES_PER_SECOND = 200;

/** The last lines of a burst, such as the traceback it ends with; what came between is counted and left out. */
const HELD_LINES = 20;

/** Milliseconds that lines are held at most. */
const WINDOW_MS = 1_000;

/** The last lines that are kept to explain why a worker ended. */
const TAIL_LINES = 20;

/** Characters of one line in that explanation. */
const TAIL_LINE_CHARACTERS = 500;

export interface LogLinesOptions {
  readonly clock: Clock;
  /** Hears of every line, in order; what it gives is passed to onLine with it. */
  readonly levelOf: (line: string) => LineLevel;
  readonly onLine: (line: string, level: LineLevel) => void;
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
  private held: { readonly line: string; readonly level: LineLevel }[] = [];
  private timer: Timer | undefined;
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

  /** Gives what is left without a newline, and what was held. */
  end(): void {
    if (this.pieceBytes > 0) this.endLine();
    this.release();
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
    const level = this.options.levelOf(line);
    const now = this.options.clock.now();
    if (now - this.windowStart >= WINDOW_MS) {
      this.release();
      this.windowStart = now;
      this.linesInWindow = 0;
    }
    if (this.linesInWindow < MAX_LINES_PER_SECOND) {
      this.linesInWindow++;
      this.options.onLine(line, level);
    } else {
      this.hold(line, level, now);
    }
  }

  private hold(line: string, level: LineLevel, now: number): void {
    this.held.push({ line, level });
    if (this.held.length > HELD_LINES) {
      this.held.shift();
      this.dropped++;
    }
    this.timer ??= this.options.clock.after(this.windowStart + WINDOW_MS - now, () => this.release());
  }

  /** Gives the lines that were held, after how many were left out before them. */
  private release(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.dropped > 0) this.options.onDropped(this.dropped);
    this.dropped = 0;
    const { held } = this;
    this.held = [];
    for (const { line, level } of held) this.options.onLine(line, level);
  }
}
