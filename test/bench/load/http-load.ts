import { createConnection, type Socket } from "node:net";

/** What one connection asks for, again and again, each time when the answer before is complete. */
export interface LoadRequest {
  readonly port: number;
  readonly path: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LoadOptions extends LoadRequest {
  readonly connections: number;
  /** Milliseconds before counting begins. */
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface LoadResult {
  /** Complete answers a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not 200, and connections that broke. */
  readonly failures: number;
}

/** Loads a server over plain sockets: a client that costs little beside what it measures on the same cores. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const request = requestBytes(options);
  const latencies: number[] = [];
  let failures = 0;
  const startsAt = performance.now() + options.warmUpMs;
  const endsAt = startsAt + options.durationMs;
  const onAnswer = (startedAt: number, ok: boolean) => {
    const now = performance.now();
    if (now < startsAt || now > endsAt) return;
    if (ok) latencies.push(now - startedAt);
    else failures++;
  };
  const loops = Array.from({ length: options.connections }, () => loop({ ...options, request, endsAt, onAnswer }));
  await Promise.all(loops);
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
  return { perSecond: (latencies.length / options.durationMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99), failures };
}

interface Loop extends LoadRequest {
  readonly request: readonly Buffer[];
  readonly endsAt: number;
  readonly onAnswer: (startedAt: number, ok: boolean) => void;
}

function loop({ port, request, endsAt, onAnswer }: Loop): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    let startedAt = 0;
    const next = () => {
      startedAt = performance.now();
      if (startedAt >= endsAt) {
        socket.end();
        return;
      }
      send(socket, request);
    };
    const answer = new AnswerReader((ok) => {
      onAnswer(startedAt, ok);
      next();
    });
    socket.on("connect", next);
    socket.on("data", (chunk) => answer.push(chunk));
    socket.on("error", () => onAnswer(startedAt, false));
    socket.on("close", () => resolve());
  });
}

function send(socket: Socket, buffers: readonly Buffer[]): void {
  socket.cork();
  for (const buffer of buffers) socket.write(buffer);
  socket.uncork();
}

function requestBytes({ path, body, headers }: LoadRequest): readonly Buffer[] {
  const lines = Object.entries({ host: "127.0.0.1", ...headers, "content-length": body.length });
  const head = Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
  );
  return body.length > 65_536 ? [head, body] : [Buffer.concat([head, body])];
}

const CHUNKED_END = Buffer.from("0\r\n\r\n");

/** Finds where one HTTP/1.1 answer ends, with as little work as that takes. */
class AnswerReader {
  private head = "";
  private inBody = false;
  private isOk = false;
  private missing = 0;
  private isChunked = false;
  private tail = Buffer.alloc(0);

  constructor(private readonly onAnswer: (ok: boolean) => void) {}

  push(chunk: Buffer): void {
    if (this.inBody) {
      this.readBody(chunk);
      return;
    }
    this.head += chunk.toString("latin1", 0, Math.min(chunk.length, 4_096));
    const end = this.head.indexOf("\r\n\r\n");
    if (end === -1) return;
    const before = this.head.length - Math.min(chunk.length, 4_096);
    this.isOk = this.head.startsWith("HTTP/1.1 200");
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.head.slice(0, end + 2));
    this.isChunked = length === null;
    this.missing = Number(length?.[1] ?? 0);
    this.inBody = true;
    this.head = "";
    this.readBody(chunk.subarray(end + 4 - before));
  }

  private readBody(chunk: Buffer): void {
    if (this.isChunked) {
      this.tail = Buffer.concat([this.tail.subarray(-CHUNKED_END.length), chunk.subarray(-CHUNKED_END.length)]);
      if (!this.tail.subarray(-CHUNKED_END.length).equals(CHUNKED_END)) return;
      this.tail = Buffer.alloc(0);
    } else {
      this.missing -= chunk.length;
      if (this.missing > 0) return;
    }
    this.inBody = false;
    this.onAnswer(this.isOk);
  }
}
