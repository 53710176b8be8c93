// Set-up: plain JavaScript, since it runs before any package is there, and in syntax that every Node with ES modules
// parses, since an old one must be able to say that it is too old. The work is in set-up/.
import { readFileSync } from "node:fs";

const needed = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).engines.node.slice(2);

/** @type {(version: string) => number} */
const rank = (version) => {
  const [major, minor = "0"] = version.split(".");
  return Number(major) * 1000 + Number(minor);
};

if (rank(process.versions.node) < rank(needed)) {
  console.error(`gatehouse: Node ${process.versions.node} is too old: Gatehouse needs Node ${needed} or newer.`);
  process.exitCode = 1;
} else {
  import("./set-up/main.mjs").then((setUp) => setUp.main(process.argv.slice(2)));
}
