import { chmodSync } from "node:fs";
import { fileFailure } from "./failure.mjs";
import { makeFolder } from "./make-folder.mjs";

/**
 * Makes DATA_DIR where it is missing, closed to other users: keys, mail and the database are in there.
 *
 * @param {string} dataDir absolute
 * @throws {import("./failure.mjs").Failure} in a sentence, when it cannot be made
 */
export function prepareDataDir(dataDir) {
  try {
    makeFolder(dataDir);
    chmodSync(dataDir, 0o700);
  } catch (error) {
    throw fileFailure(error, `DATA_DIR (${dataDir})`);
  }
}
