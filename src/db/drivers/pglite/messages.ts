/** `Sync`: ends whatever a client left half said. */
export const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4);

/** A simple `Query` with this text. */
export function queryMessage(text: string): Uint8Array {
  return framed("Q", Buffer.from(`${text}\0`));
}

function framed(type: string, body: Buffer): Uint8Array {
  const message = new Uint8Array(5 + body.length);
  message[0] = type.charCodeAt(0);
  new DataView(message.buffer).setUint32(1, 4 + body.length);
  message.set(body, 5);
  return message;
}

/**
 * What the backend gets in place of a client's startup message: the same version and nothing else of it. PGlite heeds no parameter,
 * and ends for one that it does not understand.
 */
export function plainStartup(startup: Uint8Array): Uint8Array {
  const words = Buffer.from("user\0postgres\0database\0postgres\0\0");
  const message = Buffer.alloc(8 + words.length);
  message.writeUInt32BE(message.length);
  message.set(startup.subarray(4, 8), 4);
  message.set(words, 8);
  return message;
}

/** A client's parameter in its startup message: name and value, each ended by a NUL, after length and version. */
export function startupParameter(startup: Uint8Array, name: string): string | undefined {
  const words = Buffer.from(startup.subarray(8)).toString("latin1").split("\0");
  const at = words.findIndex((word, index) => index % 2 === 0 && word === name);
  return at === -1 ? undefined : words[at + 1];
}

/** An `ErrorResponse` after which a server hangs up. */
export function fatalMessage(sqlState: string, message: string): Uint8Array {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`);
  return framed("E", body);
}

/** True for the message after which Postgres listens again, having passed over all since an error. */
export function isSync(message: Uint8Array): boolean {
  return message[0] === 0x53;
}

/** True for a message that Postgres always answers: `Query` and `Sync`. */
export function wantsAnswer(message: Uint8Array): boolean {
  return message[0] === 0x51 || isSync(message);
}
