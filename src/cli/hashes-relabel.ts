import type { Command } from "commander";
import { type LegacyScheme, ORDER_WORDS, type OrderWord, oneOf, orderOf, SALT_ENCODINGS } from "./hashes/scheme.ts";
import { say } from "./say.ts";

interface RelabelFlags {
  readonly from: OrderWord;
  readonly to: OrderWord;
  readonly saltFrom: LegacyScheme["saltEncoding"];
  readonly saltTo: LegacyScheme["saltEncoding"];
  readonly dryRun?: boolean;
}

/** `gatehouse hashes relabel`, below the command `hashes`. */
export function registerRelabel(hashes: Command): void {
  hashes
    .command("relabel")
    .summary("correct what wrapped hashes say of their making")
    .description(
      "correct what wrapped hashes say of how they were made, after a wrap with a wrong --order or --salt-encoding",
    )
    .addOption(oneOf("--from <order>", "that they were wrapped with", ORDER_WORDS).makeOptionMandatory())
    .addOption(
      oneOf("--to <order>", "that is true; the same when only the salt was wrong", ORDER_WORDS).makeOptionMandatory(),
    )
    .addOption(oneOf("--salt-from <encoding>", "that they were wrapped with", SALT_ENCODINGS).default("utf8"))
    .addOption(oneOf("--salt-to <encoding>", "that is true", SALT_ENCODINGS).default("utf8"))
    .option("--dry-run", "only count")
    .action(runRelabel);
}

async function runRelabel({ from, to, saltFrom, saltTo, dryRun = false }: RelabelFlags): Promise<void> {
  if (from === to && saltFrom === saltTo)
    throw new Error("this changes nothing: --from is --to, and --salt-from is --salt-to");
  const [{ relabelHashes }, { withConnection }] = await Promise.all([
    import("./hashes/relabel.ts"),
    import("./hashes/connection.ts"),
  ]);
  const relabelling = { order: { from: orderOf(from), to: orderOf(to) }, salt: { from: saltFrom, to: saltTo } };
  const report = await withConnection((connection) => relabelHashes(connection, { relabelling, dryRun }));
  say(`${report.relabelled} ${dryRun ? "would be relabelled" : "relabelled"}`);
  if (report.changedMeanwhile > 0) say(`${report.changedMeanwhile} changed meanwhile and left alone`);
  if (report.refused > 0)
    throw new Error(`the salts of ${report.refused} accounts are no ${saltTo} and were left as they are`);
}
