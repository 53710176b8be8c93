import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

/** A caller that writes bytes and sees bytes: for what no HTTP client does. */
export class RawCaller {
  private text = "";
  private readonly listeners = new Set<() => void>();

  private constructor(readonly socket: Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      this.text += piece;
      for (const look of this.listeners) look();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const look of this.listeners) look();
    });
  }

  /** `halfOpen`: the caller may end its side and go on reading. */
  static async connect(port: number, halfOpen = false): Promise<RawCaller> {
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: halfOpen });
    await once(socket, "connect");
    return new RawCaller(socket);
  }

  get received(): string {
    return this.text;
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Resolves when what was received fits. Rejects when the connection closes before. */
  saw(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(this.text)) {
          if (this.socket.closed)
            reject(new Error(`The connection closed before ${pattern}: ${JSON.stringify(this.text)}`));
          return;
        }
        this.listeners.delete(look);
        resolve(this.text);
      };
      this.listeners.add(look);
      look();
    });
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, "close");
    return this.text;
  }
}

/** A POST of JSON to a model, as bytes. */
export function post(model: string, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    host: "x",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /v1/infer/${model} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
