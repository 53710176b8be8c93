import { listenForStop } from "../../src/cli/set-up/stop-requests.mjs";
import { CHECKS, type Check } from "./checks.ts";
import { runProgram } from "./run-program.ts";
import { addTallies, reportTally, type Tally } from "./tally.ts";

/** Checks that run at a time: each of the slow ones keeps more than one core busy at times. */
const AT_A_TIME = 2;

/** `npm run check`: every check, its name and time, its output only where it fails, then one line `N passed, N failed`. */
const stop = listenForStop(process.env);
const waiting = [...CHECKS];
const lanes = Array.from({ length: AT_A_TIME }, runLane);
process.exitCode = reportTally(addTallies((await Promise.all(lanes)).flat()), process.env);
stop.close();

async function runLane(): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) tallies.push(await runCheck(check));
  return tallies;
}

async function runCheck({ name, program, args, env }: Check): Promise<Tally> {
  if (stop.gracefully.aborted) return { passed: 0, failed: 1 };
  const startedAt = performance.now();
  const { exitCode, output } = await runProgram(program, { args, env, capture: true, signal: stop.gracefully });
  const ok = exitCode === 0;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${ok ? "ok    " : "FAILED"} ${name}, ${seconds} s\n${ok ? "" : `${output.trimEnd()}\n`}`);
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}
