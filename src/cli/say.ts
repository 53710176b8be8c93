/** Writes one line of a command's result. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
