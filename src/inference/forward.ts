import { REQUEST_ID_HEADER, REQUEST_TIMEOUT_HEADER } from "../contract/headers.ts";
import { InferenceError } from "../errors.ts";
import { type PassBodyOptions, passBody } from "./pass-body.ts";

/** The longest a forwarded call may take to answer with headers, whatever the model allows: 15 minutes. */
export const MAX_ANSWER_WAIT_MS = 900_000;

/** What goes on to the daemon; everything else, cookies and the caller's own token first of all, stays here. */
const FORWARDED_REQUEST_HEADERS = [
  "accept",
  "content-encoding",
  "content-language",
  "content-length",
  "content-type",
  "inference-header-content-length",
  "traceparent",
  REQUEST_TIMEOUT_HEADER,
];

const FORWARDED_RESPONSE_HEADERS = [
  "allow",
  "content-language",
  "content-type",
  "inference-header-content-length",
  "retry-after",
];

export interface ForwardTarget {
  /** Path on the daemon, already encoded. */
  readonly path: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly requestId: string;
}

/** What becomes of an answer that breaks when its status is long sent. */
export interface WhenBroken {
  /** Told of it, unless it broke because the caller left. */
  readonly report: (error: InferenceError) => void;
  /** Cuts the caller's connection, on runtimes that would not do it quietly themselves. */
  readonly breakOff: (() => void) | undefined;
}

/** Sends a request on and gives back the daemon's answer, whatever its status. Throws InferenceError DAEMON_UNREACHABLE. */
export type Forward = (request: Request, target: ForwardTarget, whenBroken: WhenBroken) => Promise<Response>;

/** Forwards to one daemon, streaming both ways: no body is held here. `accessToken` gives a token for a caller. */
export function createForward(options: {
  readonly daemonUrl: string;
  readonly accessToken: (caller: { readonly userId: string; readonly sessionId: string }) => Promise<string>;
  readonly fetch?: typeof fetch;
}): Forward {
  const send = options.fetch ?? fetch;
  return async (request, target, whenBroken) => {
    const headers = pick(request.headers, FORWARDED_REQUEST_HEADERS);
    headers.set(REQUEST_ID_HEADER, target.requestId);
    headers.set("authorization", `Bearer ${await options.accessToken(target)}`);
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), MAX_ANSWER_WAIT_MS);
    try {
      const answer = await send(new URL(target.path, options.daemonUrl), {
        method: request.method,
        headers,
        redirect: "manual",
        signal: AbortSignal.any([request.signal, waiting.signal]),
        ...(request.body === null ? {} : { body: request.body, duplex: "half" }),
      } as RequestInit);
      return await passOn(answer, {
        breakOff: whenBroken.breakOff,
        broken: (cause) => {
          if (request.signal.aborted) return;
          whenBroken.report(new InferenceError("The daemon's answer broke off before its end.", { cause }));
        },
      });
    } catch (cause) {
      if (cause instanceof InferenceError) throw cause;
      throw new InferenceError("The daemon did not answer. Is it running, and is DAEMON_URL right?", { cause });
    } finally {
      clearTimeout(timer);
    }
  };
}

async function passOn(answer: Response, options: PassBodyOptions): Promise<Response> {
  if (answer.status === 401 || answer.status === 403) {
    // The caller is signed in, so this is between daemon and edge: a wrong issuer, audience or key set.
    await answer.body?.cancel();
    throw new InferenceError(
      `The daemon refused this edge's token with ${answer.status}: its jwks, issuer and audience must be this edge's.`,
    );
  }
  const headers = pick(answer.headers, FORWARDED_RESPONSE_HEADERS);
  headers.set("cache-control", "no-store");
  const body = answer.body === null ? null : passBody(answer.body, options);
  return new Response(body, { status: answer.status, headers });
}

function pick(from: Headers, names: readonly string[]): Headers {
  const picked = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
}
