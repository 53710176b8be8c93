import { Histogram, type MetricValueWithName, type Registry } from "prom-client";

/** Seconds: from an echo's to a language model's. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** One model's durations, by bucket. */
export class DurationTally {
  /** One more than there are bounds: the last is for what is longer than all of them. */
  readonly counts: number[] = new Array<number>(BUCKETS.length + 1).fill(0);
  sumSeconds = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sumSeconds += seconds;
  }
}

/**
 * A histogram of prom-client's whose values are kept by us: its own `observe` finds the labels anew each time, and that was a twelfth of what
 * a request cost.
 */
export class DurationHistogram extends Histogram<"model"> {
  private readonly tallies = new Map<string, DurationTally>();

  constructor(
    private readonly described: { readonly name: string; readonly help: string; readonly registry: Registry },
  ) {
    super({ name: described.name, help: described.help, labelNames: ["model"], registers: [described.registry] });
  }

  of(model: string): DurationTally {
    const known = this.tallies.get(model);
    if (known !== undefined) return known;
    const tally = new DurationTally();
    this.tallies.set(model, tally);
    return tally;
  }

  /** A registry that writes text asks a histogram for this, and not for `get`. */
  getForPromString(): Promise<object> {
    const { name, help } = this.described;
    const values = [...this.tallies].flatMap(([model, tally]) => valuesOf(name, model, tally));
    return Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values });
  }
}

function valuesOf(
  name: string,
  model: string,
  { counts, sumSeconds }: DurationTally,
): MetricValueWithName<"le" | "model">[] {
  let cumulative = 0;
  const buckets = counts.map((count, bucket) => {
    cumulative += count;
    const labels = { le: BUCKETS[bucket] ?? "+Inf", model };
    return { metricName: `${name}_bucket`, labels, value: cumulative };
  });
  const labels = { model };
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: cumulative },
  ];
}
