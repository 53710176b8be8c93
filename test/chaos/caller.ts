import { type Agent, request } from "node:http";

/** How one request ended, as its caller saw it. */
export interface Settlement {
  /** 0 when the connection broke before an answer. */
  readonly status: number;
  /** `ok`, the problem's code, or `BROKEN` for an answer that is not whole. */
  readonly code: string;
  /** Milliseconds from the request, or of a stream from its last event, to the end of the answer: what its deadline bounds. */
  readonly waitedMs: number;
  /** When the answer ended, as `performance.now()` has it. */
  readonly settledAt: number;
  /** What is wrong with the answer itself. */
  readonly flaw: string | undefined;
}

export interface Call {
  readonly url: string;
  readonly model: string;
  readonly body: unknown;
  readonly stream: boolean;
  /** Milliseconds after which the caller gives up: far beyond what anything may take. */
  readonly patienceMs: number;
  /** The answer has begun. */
  readonly onBegun?: (() => void) | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whose connections to use; a new one, that ends with the answer, unless given: so nothing of the caller stays with the daemon. */
  readonly agent?: Agent;
}

/** Sends one request and follows its answer to the end. */
export function call(options: Call): Promise<Settlement> {
  const { url, model, body, stream, patienceMs, onBegun, headers, agent = false } = options;
  return new Promise((resolve) => {
    let movedAt = performance.now();
    let status = 0;
    let text = "";
    const settle = (isWhole: boolean) => {
      const settledAt = performance.now();
      resolve({
        status,
        settledAt,
        waitedMs: settledAt - movedAt,
        ...(isWhole ? read(status, text, stream) : broken("it is not whole")),
      });
    };
    const outgoing = request(`${url}/v1/infer/${model}`, {
      agent,
      method: "POST",
      signal: AbortSignal.timeout(patienceMs),
      headers: { "content-type": "application/json", ...(stream ? { accept: "text/event-stream" } : {}), ...headers },
    });
    outgoing.once("error", () => settle(false));
    outgoing.once("response", (response) => {
      status = response.statusCode ?? 0;
      onBegun?.();
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (status === 200 && stream && !part.includes("event: error")) movedAt = performance.now();
      });
      response.once("error", () => settle(false));
      response.once("end", () => settle(response.complete));
    });
    outgoing.end(JSON.stringify(body));
  });
}

type Reading = Pick<Settlement, "code" | "flaw">;

function read(status: number, text: string, stream: boolean): Reading {
  if (status !== 200) return { code: codeOf(text), flaw: undefined };
  return stream ? readEvents(text) : { code: "ok", flaw: undefined };
}

/** A stream is the numbers from 0, each once and in order, and then its end or one error. */
function readEvents(text: string): Reading {
  const events = text.split("\n\n");
  if (events.pop() !== "") return broken("its last event is not whole");
  const last = events.at(-1);
  const failure = last?.startsWith("event: error\n") === true ? events.pop() : undefined;
  const strange = events.findIndex((event, index) => event !== `data: ${index}`);
  if (strange !== -1) return broken(`its event ${strange} is ${JSON.stringify(events[strange])}`);
  return { code: failure === undefined ? "ok" : codeOf(failure.slice(failure.indexOf("{"))), flaw: undefined };
}

function codeOf(problem: string): string {
  return (JSON.parse(problem) as { code: string }).code;
}

function broken(flaw: string): Reading {
  return { code: "BROKEN", flaw };
}
