import fc from "fast-check";
import { expect, it } from "vitest";
import { Metrics, type ModelGauges } from "../../daemon/metrics.ts";

const IDLE: ModelGauges = {
  waiting: () => 0,
  unsettled: () => 0,
  status: () => ({ name: "echo", state: "ready", workers: [] }) as unknown as ReturnType<ModelGauges["status"]>,
};

/** The samples of a text in Prometheus' format, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

it("counts every duration in each bucket that it fits into, for each model apart", async () => {
  const durations = fc.array(
    fc.oneof(fc.double({ min: 0, max: 100_000, noNaN: true }), fc.constantFrom(1, 2.5, 60_000)),
  );
  await fc.assert(
    fc.asyncProperty(durations, durations, async (ofOne, ofOther) => {
      const metrics = new Metrics({ bufferedBytes: () => 0, timers: () => 0 });
      const given = { one: ofOne, other: ofOther };
      for (const [model, all] of Object.entries(given)) {
        const settled = metrics.addModel(model, IDLE);
        for (const totalMs of all) settled({ outcome: "ok", stream: false, queueMs: totalMs / 2, totalMs });
      }
      const samples = samplesOf(await metrics.text());
      const name = "gatehouse_request_duration_seconds";
      for (const [model, all] of Object.entries(given)) {
        for (const [key, value] of samples) {
          const bound = new RegExp(`^${name}_bucket\\{le="(.+)",model="${model}"\\}$`).exec(key)?.[1];
          if (bound !== undefined)
            expect([key, value]).toEqual([
              key,
              all.filter((ms) => ms / 1_000 <= Number(bound.replace("+Inf", "Infinity"))).length,
            ]);
        }
        expect(samples.get(`${name}_count{model="${model}"}`)).toBe(all.length);
        expect(samples.get(`gatehouse_queue_duration_seconds_count{model="${model}"}`)).toBe(all.length);
        expect(samples.get(`${name}_sum{model="${model}"}`)).toBeCloseTo(all.reduce((sum, ms) => sum + ms / 1_000, 0));
      }
      expect([...samples.keys()].filter((key) => key.startsWith(`${name}_bucket`))).toHaveLength(2 * 16);
    }),
    { numRuns: 30 },
  );
});

it("has a sample of whatever it describes once a request is settled and a worker has crashed", async () => {
  const metrics = new Metrics({ bufferedBytes: () => 0, timers: () => 0 });
  metrics.addModel("echo", IDLE)({ outcome: "ok", stream: false, queueMs: 1, totalMs: 2 });
  metrics.countCrash("echo", "EXITED");
  metrics.countLoadFailure("echo", "LOAD_FAILED");
  const text = await metrics.text();
  const described = [...text.matchAll(/^# TYPE (gatehouse_\S+)/gm)].map(([, name]) => name ?? "");
  const sampled = [...samplesOf(text).keys()];
  expect(described.length).toBeGreaterThan(8);
  expect(described.filter((name) => !sampled.some((key) => key.startsWith(name)))).toEqual([]);
});
