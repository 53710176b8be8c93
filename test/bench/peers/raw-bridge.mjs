// The least a bridge can be: node:http, one Unix socket, frames by id (u32 length of the body, u32 id, body). No auth, no queue, no deadline,
// no supervision, no errors. What the real one costs is measured against this.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [python, port] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "raw-bridge-"));
const path = join(folder, "s");
const worker = spawn(python, [join(import.meta.dirname, "raw_worker.py"), path], {
  stdio: ["pipe", "inherit", "inherit"],
});
process.on("exit", () => {
  worker.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});
process.on("SIGTERM", () => process.exit(0));

const HEAD = 8;
const STREAM_BIT = 0x8000_0000;
const responses = new Map();
const socket = await connect();
let pieces = [];
let available = 0;
let needed = HEAD;

socket.on("data", (chunk) => {
  pieces.push(chunk);
  available += chunk.length;
  while (available >= needed) {
    if (pieces.length > 1) pieces = [Buffer.concat(pieces)];
    const [bytes] = pieces;
    const length = bytes.readUInt32BE(0);
    if (available < HEAD + length) {
      needed = HEAD + length;
      return;
    }
    answer(bytes.readUInt32BE(4), bytes.subarray(HEAD, HEAD + length));
    pieces = [bytes.subarray(HEAD + length)];
    available -= HEAD + length;
    needed = HEAD;
  }
});

let lastId = 0;
createServer((request, response) => {
  const body = [];
  let length = 0;
  request.on("data", (piece) => {
    body.push(piece);
    length += piece.length;
  });
  request.on("end", () => {
    lastId = (lastId + 1) % STREAM_BIT;
    const isStream = request.headers.accept === "text/event-stream";
    responses.set(lastId, { response, isStream });
    const head = Buffer.allocUnsafe(HEAD);
    head.writeUInt32BE(length, 0);
    head.writeUInt32BE(isStream ? (lastId | STREAM_BIT) >>> 0 : lastId, 4);
    socket.cork();
    socket.write(head);
    for (const piece of body) socket.write(piece);
    socket.uncork();
  });
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));

function answer(id, body) {
  const { response, isStream } = responses.get(id);
  if (!isStream) {
    responses.delete(id);
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  } else if (body.length > 0) {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(body);
  } else {
    responses.delete(id);
    response.end();
  }
}

async function connect() {
  for (;;) {
    const attempt = createConnection({ path });
    const connected = await new Promise((resolve) =>
      attempt.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    if (connected) return attempt;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
