export type LineLevel = "info" | "warn" | "error";

/** One line of what a worker printed. */
export interface OutputLine {
  readonly stream: "stdout" | "stderr";
  readonly level: LineLevel;
  readonly text: string;
}

/** What begins a traceback of Python's `traceback` or `faulthandler`; the latter's has no exception at its end. */
const TRACEBACK = /^\s*(?:\+ )?(?:Exception Group )?Traceback \(most recent call last\):|^Exception in thread /;
const DUMP = /^(?:Fatal Python error: |(?:Current thread|Thread) 0x[0-9a-f]+ )/;

/** What stands between the tracebacks of exceptions that followed from each other. */
const LINK = /^(?:During handling of the above exception|The above exception was the direct cause)/;

/**
 * How grave each line of a worker's stderr is, so that a traceback is found among progress bars: a traceback's lines and ERROR records are
 * errors, WARNING records and Python's warnings warn. A line that says nothing of itself is information: much goes to stderr that is none.
 */
export class LineLevels {
  private within: "nothing" | "traceback" | "dump" = "nothing";

  next(text: string): LineLevel {
    if (TRACEBACK.test(text)) return this.enter("traceback");
    if (DUMP.test(text)) return this.enter("dump");
    if (LINK.test(text)) return "error";
    if (this.within !== "nothing") {
      if (/^\s/.test(text)) return "error";
      const wasTraceback = this.within === "traceback";
      this.within = "nothing";
      // The exception itself, which is not indented.
      if (wasTraceback) return "error";
    }
    if (/^(?:ERROR|CRITICAL)\b/.test(text)) return "error";
    return /^WARNING\b|\b\w*Warning: /.test(text) ? "warn" : "info";
  }

  private enter(what: "traceback" | "dump"): LineLevel {
    this.within = what;
    return "error";
  }
}
