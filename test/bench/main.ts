import { existsSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/** `npm run bench [-- NAME [args]]`: one benchmark of this folder, or all of them one after the other. */
const folder = new URL(".", import.meta.url);
const names = readdirSync(fileURLToPath(folder))
  .filter((file) => file.endsWith(".ts") && file !== basename(import.meta.filename))
  .map((file) => basename(file, ".ts"))
  .sort();

const [wanted, ...args] = process.argv.slice(2);
if (wanted !== undefined && !existsSync(new URL(`${wanted}.ts`, folder))) {
  process.stderr.write(`bench: there is no benchmark "${wanted}": ${names.join(", ") || "none yet"}.\n`);
  process.exitCode = 2;
} else {
  for (const name of wanted === undefined ? names : [wanted]) {
    process.stdout.write(`\n${name}\n`);
    const benchmark = (await import(new URL(`${name}.ts`, folder).href)) as { run(args: string[]): Promise<void> };
    await benchmark.run(args);
  }
}
