import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inCheckout, root } from "./checkout.mjs";
import { Failure } from "./failure.mjs";
import { THREADS, useBuiltThreads } from "./thread-programs.mjs";

/** Our TypeScript as JavaScript, one file a program and what they load later beside them. Gone with node_modules. */
const FOLDER = inCheckout("node_modules", ".cache", "programs");
const STAMP = join(FOLDER, "stamp.json");

/** Milliseconds that files of a former build stay. */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** Stands for `import.meta.url` in a bundled file. */
const SOURCE_URL = "gatehouseSourceUrl";

const SOURCES = {
  gatehouse: inCheckout("src", "cli", "main.ts"),
  daemon: inCheckout("daemon", "main.ts"),
};

/**
 * How a program of ours is bundled, whatever its entry and its output.
 *
 * @satisfies {import("esbuild").BuildOptions}
 */
export const BUNDLE = {
  absWorkingDir: root,
  bundle: true,
  packages: /** @type {const} */ ("external"),
  platform: /** @type {const} */ ("node"),
  target: "node20.19",
  format: /** @type {const} */ ("esm"),
  logLevel: /** @type {const} */ ("silent"),
  define: { "import.meta.url": SOURCE_URL },
  plugins: [{ name: "source-url", setup: keepSourceUrl }],
};

/**
 * The arguments with which Node runs one of our programs.
 *
 * @param {keyof typeof SOURCES} name
 * @returns {string[]}
 */
export const programArgs = (name) => ["--enable-source-maps", join(FOLDER, `${name}.mjs`)];

/**
 * What a finished build was made from.
 *
 * @typedef {object} Stamp
 * @property {string} root the checkout's place: the programs name their sources' files
 * @property {string} lock the SHA-256 of package-lock.json: the builder's version
 * @property {Record<string, string>} sources by path from the root: the SHA-256 of each file that is in
 */

/**
 * The step that bundles our TypeScript for Node. Loading it through tsx instead takes each server 0.4-0.8 s of CPU and
 * 40-80 MB more, at every start.
 *
 * @returns {import("./progress.mjs").Step}
 */
export function programs() {
  return {
    title: "Programs",
    run: async ({ doing }) => {
      if (isUpToDate()) return "up to date";
      doing("esbuild");
      writeFileSync(STAMP, JSON.stringify(await build()));
      return "done";
    },
  };
}

/** Whether every file of the last build has the same content today; a new file matters once one of these imports it. */
function isUpToDate() {
  if (!existsSync(STAMP)) return false;
  /** @type {Stamp} */
  const stamp = JSON.parse(readFileSync(STAMP, "utf8"));
  if (stamp.root !== root || stamp.lock !== hashOf("package-lock.json")) return false;
  return Object.entries(stamp.sources).every(([path, hash]) => existsSync(join(root, path)) && hashOf(path) === hash);
}

/** @returns {Promise<Stamp>} */
async function build() {
  const { build: bundle, stop } = await import("esbuild");
  try {
    const common = {
      ...BUNDLE,
      outdir: FOLDER,
      outExtension: { ".js": ".mjs" },
      sourcemap: /** @type {const} */ ("linked"),
      metafile: /** @type {const} */ (true),
    };
    // A name for each content: a server that runs from a former build starts threads of that one.
    const threads = await bundle({ ...common, entryPoints: THREADS, entryNames: "[name]-[hash]" });
    const programs = await bundle({
      ...common,
      entryPoints: SOURCES,
      splitting: true,
      plugins: [useBuiltThreads(threads.metafile.outputs), ...BUNDLE.plugins],
    });
    const { inputs, outputs } = merge(threads.metafile, programs.metafile);
    prune(Object.keys(outputs));
    const sources = Object.keys(inputs).map((path) => [path, hashOf(path)]);
    return { root, lock: hashOf("package-lock.json"), sources: Object.fromEntries(sources) };
  } catch (error) {
    throw new Failure(`The programs cannot be built: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    await stop();
  }
}

/**
 * @param {import("esbuild").Metafile[]} builds
 * @returns {import("esbuild").Metafile}
 */
function merge(...builds) {
  return {
    inputs: Object.assign({}, ...builds.map(({ inputs }) => inputs)),
    outputs: Object.assign({}, ...builds.map(({ outputs }) => outputs)),
  };
}

/**
 * Lets `import.meta.url` name the source, as it does when the source itself runs: files are found beside it.
 *
 * @param {import("esbuild").PluginBuild} build
 */
function keepSourceUrl({ onLoad }) {
  onLoad({ filter: /\.(?:ts|tsx|mjs)$/ }, async ({ path }) => {
    const text = await readFile(path, "utf8");
    const loader = /** @type {import("esbuild").Loader} */ (extname(path) === ".mjs" ? "js" : extname(path).slice(1));
    const url = JSON.stringify(pathToFileURL(path).href);
    const head = text.includes("import.meta.url") ? `const ${SOURCE_URL} = ${url}; ` : "";
    return { contents: head + text, loader, resolveDir: dirname(path) };
  });
}

/**
 * Removes what former builds left, once no server that runs from them will ask for it any more.
 *
 * @param {readonly string[]} outputs paths from the root
 */
function prune(outputs) {
  const current = new Set(outputs.map((path) => join(root, path)));
  for (const file of readdirSync(FOLDER).map((name) => join(FOLDER, name))) {
    if (!current.has(file) && Date.now() - statSync(file).mtimeMs > KEPT_MS) rmSync(file);
  }
}

/** @param {string} path from the root */
function hashOf(path) {
  return createHash("sha256")
    .update(readFileSync(join(root, path)))
    .digest("hex");
}
