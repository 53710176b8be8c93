import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateSigningKeys, parseSigningKeys, type SigningKeys } from "../../auth/signing-keys.ts";
import { SettingsError } from "../config.ts";

/**
 * The keys of `SIGNING_KEYS`, else those in `dataDir/signing-keys.json`, which is made with mode 0600 the first time; the folder must exist.
 * Throws SettingsError when they cannot be read.
 */
export async function loadSigningKeys(options: {
  readonly signingKeys: string | undefined;
  readonly dataDir: string;
}): Promise<SigningKeys> {
  const json = options.signingKeys ?? (await readOrCreate(join(options.dataDir, "signing-keys.json")));
  try {
    return await parseSigningKeys(json);
  } catch (error) {
    throw new SettingsError((error as Error).message);
  }
}

async function readOrCreate(file: string): Promise<string> {
  try {
    // `wx` decides between two processes at once: the second one reads what the first wrote.
    await writeFile(file, await generateSigningKeys(), { flag: "wx", mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFile(file, "utf8");
}
