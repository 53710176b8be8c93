import { expect, it } from "vitest";
import { createApp } from "../../../src/app.ts";
import { DatabaseError } from "../../../src/errors.ts";
import { createReadinessLog } from "../../../src/middleware/readiness-log.ts";

it("writes one line when /readyz changes its answer, however often it is asked", async () => {
  const lines: object[] = [];
  const log = {
    error: (fields: object, message: string) => lines.push({ ...fields, message }),
    info: (fields: object, message: string) => lines.push({ ...fields, message }),
  };
  let failure: Error | undefined;
  const look = createReadinessLog();
  const checkReady = () => look(log, () => (failure === undefined ? Promise.resolve() : Promise.reject(failure)));
  const unused = {} as Omit<Parameters<typeof createApp>[0], "log" | "checkReady">;
  const app = createApp({ ...unused, log, checkReady });
  const answers: number[] = [];
  const ask = async (times: number) => {
    for (let each = 0; each < times; each += 1) answers.push((await app.request("/readyz")).status);
  };

  await ask(2);
  failure = new DatabaseError("QUERY_FAILED", "no such table");
  await ask(3);
  failure = new DatabaseError("DATABASE_UNAVAILABLE", "gone");
  await ask(3);
  failure = undefined;
  await ask(2);
  expect(answers).toEqual([200, 200, 503, 503, 503, 503, 503, 503, 200, 200]);
  expect(lines).toEqual([
    { reason: "no such table", message: "not ready" },
    { reason: "gone", message: "not ready" },
    { message: "ready again" },
  ]);
});
