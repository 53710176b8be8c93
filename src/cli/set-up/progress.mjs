import { performance } from "node:perf_hooks";

/** Milliseconds between two signs of life of a long step where there is no terminal to redraw. */
const HEARTBEAT_MS = 5_000;
const REDRAW_MS = 200;

/**
 * What a step tells of itself while it runs.
 *
 * @typedef {object} StepReport
 * @property {(activity: string) => void} doing what it is at, in a few words
 */

/**
 * One numbered step of set-up.
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {(report: StepReport) => Promise<"up to date" | "done" | `left out: ${string}`>} run
 */

/**
 * Runs the steps one after the other and shows which of how many, what it does and how long it took: on a terminal in
 * place, elsewhere as lines. `quiet` keeps still about steps with nothing to do.
 *
 * @param {readonly Step[]} steps
 * @param {{ output: NodeJS.WriteStream; quiet: boolean }} options
 */
export async function runSteps(steps, { output, quiet }) {
  for (const [index, step] of steps.entries()) {
    const line = new StepLine({ output, label: `[${index + 1}/${steps.length}] ${step.title}`, quiet });
    try {
      line.end(await step.run({ doing: (activity) => line.doing(activity) }));
    } catch (error) {
      line.end("failed");
      throw error;
    }
  }
}

class StepLine {
  #output;
  #label;
  #quiet;
  #activity = "";
  #startedAt = performance.now();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {{ output: NodeJS.WriteStream; label: string; quiet: boolean }} options */
  constructor({ output, label, quiet }) {
    this.#output = output;
    this.#label = label;
    this.#quiet = quiet;
  }

  /** @param {string} activity */
  doing(activity) {
    this.#activity = activity;
    if (this.#timer) return;
    this.#show();
    this.#timer = setInterval(() => this.#show(), this.#output.isTTY ? REDRAW_MS : HEARTBEAT_MS);
  }

  #show() {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    const text = `${this.#label} … ${this.#activity}${seconds > 0 ? ` (${seconds} s)` : ""}`;
    this.#write(this.#output.isTTY ? `\r\x1b[K${text.slice(0, this.#output.columns - 1)}` : `${text}\n`);
  }

  /** @param {string} outcome */
  end(outcome) {
    clearInterval(this.#timer);
    if (this.#quiet && outcome === "up to date") return;
    const took = outcome === "done" ? ` in ${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s` : "";
    this.#write(`${this.#output.isTTY ? "\r\x1b[K" : ""}${this.#label} … ${outcome}${took}\n`);
  }

  /** @param {string} text */
  #write(text) {
    this.#output.write(text);
  }
}
