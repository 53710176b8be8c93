import { type OpenPglite, type OpenPgliteOptions, openPglite } from "../../db/drivers/pglite/pglite.ts";
import { threadProgram } from "./thread-program.ts";

export type OpenEmbeddedOptions = Omit<OpenPgliteOptions, "program">;

let program: URL | undefined;

/** Opens the embedded database on Node. Throws like `openPglite`, and what `prepare` throws. */
export function openEmbedded(options: OpenEmbeddedOptions): Promise<OpenPglite> {
  program ??= threadProgram(new URL("../../db/drivers/pglite/thread.ts", import.meta.url), ["@electric-sql/pglite"]);
  return openPglite({ ...options, program });
}
