import { existsSync } from "node:fs";
import { inCheckout, root } from "./checkout.mjs";
import { lockCheckout } from "./checkout-lock.mjs";
import { embeddedDatabase } from "./embedded-database.mjs";
import { npmPackages } from "./npm-packages.mjs";
import { passwordModules } from "./password-modules.mjs";
import { programs } from "./programs.mjs";
import { runSteps } from "./progress.mjs";
import { pythonEnvironment } from "./python-environment.mjs";

/** The npm packages that running needs, for the CLI: says nothing when there is nothing to do. @param {AbortSignal} signal */
export async function installPackages(signal) {
  const steps = [
    npmPackages({ folder: root, title: "npm packages", everything: false, signal }),
    passwordModules(),
    programs(),
  ];
  await runLocked({ steps, signal, output: process.stderr, quiet: true });
}

/** What tests, checks and deployment need: developers' packages too. @param {AbortSignal} signal */
export async function installEverything(signal) {
  const runtimes = inCheckout("test", "runtimes");
  const steps = [
    npmPackages({ folder: root, title: "npm packages", everything: true, signal }),
    pythonEnvironment({ everything: true, signal }),
    passwordModules(),
    programs(),
  ];
  if (existsSync(inCheckout("test", "runtimes", "package-lock.json"))) {
    steps.push(npmPackages({ folder: runtimes, title: "Other runtimes for the tests", everything: true, signal }));
  }
  await runLocked({ steps, signal, output: process.stdout, quiet: false });
}

/**
 * What `npm start` needs: nothing that only tests use.
 *
 * @param {{ settings: import("./settings.mjs").StartSettings; signal: AbortSignal }} options
 */
export async function installForStart({ settings, signal }) {
  const steps = [
    npmPackages({ folder: root, title: "npm packages", everything: false, signal }),
    pythonEnvironment({ everything: false, signal }),
    passwordModules(),
    programs(),
  ];
  if (settings.embeddedDatabase) steps.push(embeddedDatabase({ dataDir: settings.dataDir, signal }));
  await runLocked({ steps, signal, output: process.stdout, quiet: false });
}

/**
 * @param {object} options
 * @param {readonly import("./progress.mjs").Step[]} options.steps
 * @param {AbortSignal} options.signal
 * @param {NodeJS.WriteStream} options.output
 * @param {boolean} options.quiet
 */
async function runLocked({ steps, signal, output, quiet }) {
  const lock = await lockCheckout({ signal, output });
  try {
    await runSteps(steps, { output, quiet });
  } finally {
    lock.release();
  }
}
