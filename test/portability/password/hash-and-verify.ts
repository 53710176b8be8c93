/** Hashes and verifies with a runtime's own hasher, threads and all; prints what came out as JSON. Argument: the runtime. */
import type { Hasher } from "../../../src/password/hasher.ts";

const [runtime] = process.argv.slice(2);
const hasher = await createHasher(runtime);
const stored = await hasher.hash("пароль 🔐");
const answers = {
  stored,
  right: await hasher.verify("пароль 🔐", stored),
  wrong: await hasher.verify("парXYZ 🔐", stored),
  nobody: await hasher.verify("пароль 🔐", null),
  many: (await Promise.all(Array.from({ length: 8 }, () => hasher.verify("пароль 🔐", stored)))).filter(({ ok }) => ok)
    .length,
};
await hasher.close();
console.log(JSON.stringify(answers));

async function createHasher(name: string | undefined): Promise<Hasher> {
  const options = { profile: "development", maxWaitMs: 30_000 } as const;
  switch (name) {
    case "bun":
      return (await import("../../../src/runtimes/bun/hasher.ts")).createBunHasher(options);
    case "deno":
      return (await import("../../../src/runtimes/deno/hasher.ts")).createDenoHasher(options);
    default:
      return (await import("../../../src/runtimes/node/hasher.ts")).createNodeHasher(options);
  }
}
