import { randomUUID } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { REQUEST_ID_HEADER, REQUEST_ID_PATTERN } from "../../src/contract/headers.ts";

/** Milliseconds in which the rest of an upload that was refused is read and thrown away, so that the caller sees the answer. */
const LINGER_MS = 1_000;

/** Who wants to know that the caller has left. */
export interface LeaveListener {
  onLeave(): void;
}

/** One HTTP request and its response, with what every handler needs of them. */
export class Exchange {
  readonly requestId: string;
  readonly path: string;
  readonly query: string;
  params: Readonly<Record<string, string>> = {};
  /** The token's `sub`, once authenticated. */
  caller = "";
  private leaveListener: LeaveListener | undefined;
  private probeStream: (() => void) | undefined;
  private hasLeft = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    /** Milliseconds on the daemon's clock: when the headers were there. */
    readonly arrivedAt: number,
    /** The caller waits for `100 Continue` before it sends the body. */
    private awaitsContinue: boolean,
  ) {
    const given = request.headers[REQUEST_ID_HEADER];
    this.requestId = typeof given === "string" && REQUEST_ID_PATTERN.test(given) ? given : randomUUID();
    const url = originForm(request.url ?? "/");
    const mark = url.indexOf("?");
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.query = mark === -1 ? "" : url.slice(mark + 1);
  }

  get method(): string {
    return this.request.method ?? "GET";
  }

  /** Whether the answer has left for the caller. */
  get complete(): boolean {
    return this.response.writableFinished;
  }

  /** Says in the answer, if that has not begun, whether its connection closes after it. */
  closeAfter(closes: boolean): void {
    if (!this.response.headersSent) this.response.shouldKeepAlive = !closes;
  }

  /** Tells the listener, in place of an earlier one, if the caller leaves or has left before the answer is complete. */
  tellWhenLeft(listener: LeaveListener | undefined): void {
    if (this.hasLeft) listener?.onLeave();
    else this.leaveListener = listener;
  }

  /** The connection has closed. */
  leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.leaveListener?.onLeave();
  }

  /** What a stream that has begun writes to find out whether its half-closed caller is still there. */
  onProbe(write: () => void): void {
    this.probeStream = write;
  }

  /**
   * Writes what a waiting caller ignores: if the caller has left, its reset ends the connection. HTTP/1.0 has nothing of the kind before the
   * answer (RFC 9110 section 15.2): such a caller is taken for one that waits.
   */
  probe(): void {
    // What has ended may still be on its way to its reader.
    if (this.response.writableEnded) return;
    if (this.response.headersSent) this.probeStream?.();
    else if (this.request.httpVersion !== "1.0") this.response.writeContinue();
  }

  /** Lets a caller that asked first send its body. */
  continueUpload(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    this.response.writeContinue();
  }

  /** Answers with a body that is there whole. HEAD gets the headers alone. */
  send(status: number, headers: OutgoingHttpHeaders, body: string | Buffer): void {
    const { request, response } = this;
    if (response.headersSent) return;
    const all: OutgoingHttpHeaders = {
      [REQUEST_ID_HEADER]: this.requestId,
      "content-length": Buffer.byteLength(body),
      ...headers,
    };
    const isUnread = !request.complete && hasBody(request);
    if (isUnread) all.connection = "close";
    response.writeHead(status, all);
    const content = this.method === "HEAD" ? "" : body;
    if (isUnread && !this.awaitsContinue) this.linger(content);
    else response.end(content);
  }

  sendJson(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): void {
    this.send(
      status,
      { "content-type": "application/json", "cache-control": "no-store", ...headers },
      JSON.stringify(value),
    );
  }

  /** A connection closed on unread bytes is reset, and takes the answer with it: reads on for a moment first. */
  private linger(content: string | Buffer): void {
    const { request, response } = this;
    response.write(content);
    const finish = () => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(finish, LINGER_MS);
    request.once("end", finish);
    request.once("close", finish);
    request.resume();
  }
}

/** What follows the authority in a target that names one, as for a proxy: RFC 9112 section 3.2.2 has every server take it. */
function originForm(target: string): string {
  if (target.startsWith("/")) return target;
  const authority = /^https?:\/\/[^/?#]+/i.exec(target)?.[0];
  if (authority === undefined) return target;
  const rest = target.slice(authority.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** RFC 9112 section 6.3: a request has a body when it says so. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"]) > 0;
}
