import { SingleBar } from "cli-progress";

export interface Progress {
  /** Counts `steps` more as done. */
  advance(steps: number): void;
  /** Shows the last state. */
  end(): void;
}

export interface ProgressOptions {
  readonly title: string;
  readonly total: number;
  /** What a step is, in the plural. */
  readonly unit: string;
  readonly stream?: NodeJS.WriteStream;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/** Time between two lines where there is no terminal to draw on. */
const LINE_EVERY_MS = 5_000;

/** Shows how far long work is, how fast it goes and how long it will take: a bar on a terminal, elsewhere a line now and then. */
export function startProgress(options: ProgressOptions): Progress {
  const { stream = process.stderr } = options;
  return stream.isTTY ? startBar(options, stream) : startLines(options, stream);
}

function startBar(
  { title, total, unit, now = () => performance.now() }: ProgressOptions,
  stream: NodeJS.WriteStream,
): Progress {
  const startedAt = now();
  let done = 0;
  const bar = new SingleBar({
    stream,
    format: `${title} {bar} {percentage} % | {value}/{total} ${unit} | {rate} a second | {left} left`,
    hideCursor: true,
  });
  bar.start(total, 0, { rate: "-", left: "?" });
  return {
    advance(steps) {
      done += steps;
      bar.update(done, pace({ done, total, elapsedMs: now() - startedAt }));
    },
    end: () => bar.stop(),
  };
}

function startLines(
  { title, total, unit, now = () => performance.now() }: ProgressOptions,
  stream: NodeJS.WriteStream,
): Progress {
  const startedAt = now();
  let done = 0;
  let saidAt = startedAt;
  const say = () => {
    saidAt = now();
    const { rate, left } = pace({ done, total, elapsedMs: saidAt - startedAt });
    stream.write(`${title}: ${done}/${total} ${unit}, ${rate} a second, ${left} left\n`);
  };
  return {
    advance(steps) {
      done += steps;
      if (now() - saidAt >= LINE_EVERY_MS) say();
    },
    end: say,
  };
}

function pace({ done, total, elapsedMs }: { done: number; total: number; elapsedMs: number }) {
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  return {
    rate: perSecond.toFixed(perSecond < 10 ? 1 : 0),
    left: perSecond > 0 ? duration((total - done) / perSecond) : "?",
  };
}

function duration(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(Math.max(0, seconds))} s`;
  return seconds < 6_000 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
