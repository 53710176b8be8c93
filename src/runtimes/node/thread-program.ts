import { fileURLToPath } from "node:url";
import { buildSync, stop } from "esbuild";

/**
 * A thread's program in one piece, as a `data:` URL, made in about 15 ms where our sources themselves run: a thread that read
 * TypeScript itself would load tsx of its own, which costs 130 ms and 28 MB each. In the programs that set-up builds this module is
 * replaced by one that names the threads' built files (src/cli/set-up/thread-programs.mjs). `packages` are loaded from where they are, by name: those that find files beside
 * their own.
 */
export function threadProgram(entry: URL, packages: readonly string[] = []): URL {
  return new URL(`data:text/javascript;base64,${Buffer.from(bundle(entry, packages)).toString("base64")}`);
}

function bundle(entry: URL, packages: readonly string[]): Uint8Array {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "none",
    // Nothing has a folder to look for packages in when it comes out of a `data:` URL.
    alias: Object.fromEntries(packages.map((name) => [name, import.meta.resolve(name)])),
    external: ["file:*"],
  });
  // Else its process and thread stay as long as this process: 25 MB.
  void stop();
  const [file] = outputFiles;
  if (file === undefined) {
    throw new Error(`esbuild made nothing of ${entry.pathname}.`);
  }
  return file.contents;
}
