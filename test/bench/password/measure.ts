import type { Contender } from "./contenders.ts";

/** Milliseconds of one contender, over all rounds. */
export interface Measurement {
  readonly name: string;
  readonly firstMs: number;
  /** In the order of the rounds, without the first. */
  readonly ms: readonly number[];
}

/** Runs every contender once a round, so that whatever else the machine does falls on all of them. */
export async function measureInterleaved(contenders: readonly Contender[], rounds: number): Promise<Measurement[]> {
  const measured = contenders.map(({ name }) => ({ name, all: [] as number[] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, { hash }] of contenders.entries()) {
      const startedAt = performance.now();
      await hash();
      measured[index]?.all.push(performance.now() - startedAt);
    }
  }
  return measured.map(({ name, all: [firstMs = Number.NaN, ...ms] }) => ({ name, firstMs, ms }));
}
