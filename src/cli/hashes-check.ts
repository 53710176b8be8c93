import type { Command } from "commander";
import type { Finding } from "./hashes/check.ts";
import { parseCount, wordOf, wrapOptions } from "./hashes/scheme.ts";
import { say } from "./say.ts";

/** `gatehouse hashes check WHO`, below the command `hashes`. */
export function registerCheck(hashes: Command): void {
  hashes
    .command("check")
    .summary("learn from a known password how old hashes were made")
    .description(
      "learn from one password you know how the old hashes were made, before wrapping them or after; it is asked for, or read from a pipe",
    )
    .argument("<who>", "an account whose password you know: its e-mail address or its id")
    .option("--iterations <number>", "how often the digest was taken", parseCount, 1)
    .action(runCheck);
}

async function runCheck(who: string, { iterations }: { readonly iterations: number }): Promise<void> {
  const [
    { withConnection },
    { findHash },
    { normalAddress },
    { checkHash },
    { readSettings },
    { createNodeHasher },
    { askExistingPassword },
  ] = await Promise.all([
    import("./hashes/connection.ts"),
    import("../db/stored-hashes.ts"),
    import("../auth/email-address.ts"),
    import("./hashes/check.ts"),
    import("../runtimes/config.ts"),
    import("../runtimes/node/hasher.ts"),
    import("./ask-password.ts"),
  ]);
  const row = await withConnection((connection) => findHash(connection, { typed: who, normal: normalAddress(who) }));
  if (row === undefined) throw new Error("there is no account with this address or id");
  const password = await askExistingPassword();
  const hasher = createNodeHasher({ ...readSettings(process.env, "http://127.0.0.1").hasher, threads: 1 });
  try {
    const opens = async (stored: string) => (await hasher.verify(password, stored)).ok;
    const finding = await checkHash({ row, iterations, opens });
    for (const line of describe(finding)) say(line);
    if (finding.kind === "no match") throw new Error(NO_MATCH);
  } finally {
    await hasher.close();
  }
}

const NO_MATCH =
  "no algorithm, order or encoding known here makes this hash of that password. Make sure of the password first; if it is right, do not wrap: " +
  "the old application did something else (--iterations?)";

function describe(finding: Finding): string[] {
  switch (finding.kind) {
    case "old row": {
      const { order, saltEncoding, digestEncoding, iterations = 1 } = finding.scheme;
      const edgeReads = digestEncoding === "hex" && iterations === 1;
      return [
        "The password is right. Wrap with:",
        `  gatehouse hashes wrap ${wrapOptions(finding.scheme)}`,
        edgeReads
          ? `Until then the edge needs LEGACY_HASH_ORDER=${wordOf(order)} LEGACY_SALT_ENCODING=${saltEncoding} (salt-password and utf8 are its defaults).`
          : "The edge reads such a hash only once it is wrapped: wrap before people log in there.",
      ];
    }
    case "right as it is":
      return [`The password is right, and the stored string (${finding.stored}) says rightly how it was made.`];
    case "mislabelled": {
      const { order, salt } = finding.relabelling;
      const salts = salt.from === salt.to ? "" : ` --salt-from ${salt.from} --salt-to ${salt.to}`;
      return [
        "The password is right, but the string says wrongly how it was made, so nobody wrapped so can log in. Mend that with:",
        `  gatehouse hashes relabel --from ${wordOf(order.from)} --to ${wordOf(order.to)}${salts}`,
      ];
    }
    case "no match":
      return [];
  }
}
