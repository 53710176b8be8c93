import type { Command } from "commander";
import { say } from "./say.ts";

/** `gatehouse hashes report`, below the command `hashes`. */
export function registerReport(hashes: Command): void {
  hashes
    .command("report")
    .summary("count accounts by how their hash was made")
    .description("count accounts by the kind and the parameters of their hash, and name those that cannot be read")
    .option("--json", "as JSON")
    .action(runReport);
}

async function runReport({ json = false }: { readonly json?: boolean }): Promise<void> {
  const [{ countSchemes }, { withConnection }, { readSettings }] = await Promise.all([
    import("./hashes/report.ts"),
    import("./hashes/connection.ts"),
    import("../runtimes/config.ts"),
  ]);
  const { peppers } = readSettings(process.env, "http://127.0.0.1").hasher;
  const schemes = await withConnection((connection) =>
    countSchemes(connection, { knowsPepper: (keyId) => peppers?.byKeyId.has(keyId) === true }),
  );
  if (json) return say(JSON.stringify(schemes, null, 2));
  if (schemes.length === 0) return say("no accounts");
  for (const { scheme, accounts, ids = [] } of schemes) {
    say(`${String(accounts).padStart(9)}  ${scheme}`);
    for (const id of ids) say(`           account ${id}`);
    if (accounts > ids.length && ids.length > 0) say(`           and ${accounts - ids.length} more`);
  }
}
