import { randomUUID } from "node:crypto";
import { link, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { generateSigningKeys, parseSigningKeys, type SigningKeys } from "../../auth/signing-keys.ts";
import { SettingsError } from "../config.ts";

export interface SigningKeyPlaces {
  /** What `SIGNING_KEYS` says. */
  readonly signingKeys: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
}

/**
 * The keys of `SIGNING_KEYS`, else those in `dataDir/signing-keys.json`, which is made with mode 0600 the first time; the folder
 * must exist. Throws SettingsError, with a sentence that names the setting or the file and no key, when they cannot be used.
 */
export function loadSigningKeys({ signingKeys, dataDir }: SigningKeyPlaces): Promise<SigningKeys> {
  return signingKeys === undefined ? readKeyFile(dataDir, createOnce) : parse(signingKeys, "SIGNING_KEYS");
}

/** The same keys for another program than the edge: it makes none. Throws like `loadSigningKeys`, also when there are none yet. */
export function findSigningKeys({ signingKeys, dataDir }: SigningKeyPlaces): Promise<SigningKeys> {
  return signingKeys === undefined ? readKeyFile(dataDir, refuseMissing) : parse(signingKeys, "SIGNING_KEYS");
}

async function readKeyFile(dataDir: string, prepare: (file: string) => Promise<void>): Promise<SigningKeys> {
  const file = join(dataDir, "signing-keys.json");
  try {
    await prepare(file);
    await refuseReadableByOthers(file);
    return await parse(await readFile(file, "utf8"), file);
  } catch (cause) {
    if (cause instanceof SettingsError) throw cause;
    throw new SettingsError(`${file} cannot be used: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}

async function parse(json: string, where: string): Promise<SigningKeys> {
  try {
    return await parseSigningKeys(json);
  } catch (error) {
    throw new SettingsError(`${where}: ${(error as Error).message}`);
  }
}

/** Writes the file whole beside its place and links it there, so that it is never half there and two at once agree on one. */
async function createOnce(file: string): Promise<void> {
  if (await exists(file)) return;
  const draft = `${file}.${randomUUID()}`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(await generateSigningKeys());
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function refuseMissing(file: string): Promise<void> {
  if (await exists(file)) return;
  throw new SettingsError(
    `There are no signing keys: SIGNING_KEYS is not set, and ${file}, which the edge makes when it first starts, is not there.`,
  );
}

async function refuseReadableByOthers(file: string): Promise<void> {
  const { mode, uid } = await stat(file);
  const me = process.getuid?.();
  if ((mode & 0o077) !== 0 || (me !== undefined && uid !== me)) {
    throw new SettingsError(
      `${file} must belong to the user that runs the edge and be readable by nobody else (chmod 600).`,
    );
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
