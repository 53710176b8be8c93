import { once } from "node:events";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/**
 * A password from the person at the terminal, asked twice and not shown, or the first line of what is piped in. Never an argument: those are
 * everybody's to read. Throws an Error with a sentence when there is none, or the two differ.
 */
export async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) return nonEmpty(await readLine(process.stdin));
  const password = nonEmpty(await askHidden("Password: "));
  if ((await askHidden("Once more: ")) !== password) throw new Error("The two passwords differ.");
  return password;
}

/** The same for a password that exists already: asked once. */
export async function askExistingPassword(): Promise<string> {
  return nonEmpty(process.stdin.isTTY ? await askHidden("Password: ") : await readLine(process.stdin));
}

function nonEmpty(password: string): string {
  if (password === "") throw new Error("There is no password: type one, or pipe it in as one line.");
  return password;
}

async function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  try {
    return await readLine(process.stdin, new Writable({ write: (_chunk, _encoding, done) => done() }));
  } finally {
    process.stderr.write("\n");
  }
}

async function readLine(input: NodeJS.ReadStream, output?: Writable): Promise<string> {
  const lines = createInterface(output === undefined ? { input } : { input, output, terminal: true });
  try {
    const line = await Promise.race([once(lines, "line"), once(lines, "close")]);
    return String(line[0] ?? "");
  } finally {
    lines.close();
  }
}
