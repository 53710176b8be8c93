import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generateSigningKeys } from "../../../../src/auth/signing-keys.ts";
import { loadSigningKeys } from "../../../../src/runtimes/node/signing-keys.ts";

describe("the signing keys of a Node edge", () => {
  let dataDir: string;
  const load = () => loadSigningKeys({ signingKeys: undefined, dataDir });

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "gatehouse-keys-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it("are made once, for nobody else's eyes, and read from then on", async () => {
    const first = await load();
    expect(statSync(join(dataDir, "signing-keys.json")).mode & 0o777).toBe(0o600);
    expect((await load()).current.kid).toBe(first.current.kid);
    expect(readdirSync(dataDir)).toEqual(["signing-keys.json"]);
  });

  it("are the same for several that start at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, load));
    expect(new Set(all.map(({ current }) => current.kid)).size).toBe(1);
    expect(readdirSync(dataDir)).toEqual(["signing-keys.json"]);
  });

  it("come from SIGNING_KEYS where that is set, the first signing and all published without their secret", async () => {
    const sets = await Promise.all([generateSigningKeys(), generateSigningKeys()]);
    const keys = sets.flatMap((set) => (JSON.parse(set) as { keys: { kid: string }[] }).keys);
    const loaded = await loadSigningKeys({ signingKeys: JSON.stringify({ keys }), dataDir });
    expect(loaded.current.kid).toBe(keys[0]?.kid);
    expect(loaded.published.keys.map(({ kid }) => kid)).toEqual(keys.map(({ kid }) => kid));
    expect(JSON.stringify(loaded.published)).not.toContain('"d"');
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("are refused, by the file's name, when others can read them", async () => {
    await load();
    chmodSync(join(dataDir, "signing-keys.json"), 0o644);
    await expect(load()).rejects.toThrow(/signing-keys\.json must belong .*chmod 600/);
  });

  it.each(["", "{}", '{"keys":[]}', '{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]}'])(
    "are refused, by the file's name and without quoting them, when they are %j",
    async (content) => {
      writeFileSync(join(dataDir, "signing-keys.json"), content, { mode: 0o600 });
      await expect(load()).rejects.toThrow(/signing-keys\.json: (?!.*c2VjcmV0).*Ed25519/);
    },
  );
});
