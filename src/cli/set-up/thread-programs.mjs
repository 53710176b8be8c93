import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inCheckout, root } from "./checkout.mjs";

/** What runs in worker threads of our programs. */
export const THREADS = {
  "hash-thread": inCheckout("src", "runtimes", "node", "hash-thread.ts"),
  "pglite-thread": inCheckout("src", "db", "drivers", "pglite", "thread.ts"),
};

/**
 * Lets a program start its threads from the files that were built for them: `threadProgram`, which builds them where our sources
 * themselves run, only names them.
 *
 * @param {import("esbuild").Metafile["outputs"]} outputs of the threads' build, with paths from the root
 * @returns {import("esbuild").Plugin}
 */
export function useBuiltThreads(outputs) {
  const files = Object.entries(outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint === undefined ? [] : [[urlOf(entryPoint), urlOf(path)]],
  );
  const contents = `
    const files = new Map(${JSON.stringify(files)});
    export const threadProgram = ({ href }) => new URL(files.get(href));`;
  return {
    name: "built-threads",
    setup: ({ onLoad }) => onLoad({ filter: /\/runtimes\/node\/thread-program\.ts$/ }, () => ({ contents })),
  };
}

/** @param {string} path from the root */
function urlOf(path) {
  return pathToFileURL(join(root, path)).href;
}
