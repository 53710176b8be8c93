import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));

/** One project a folder of test/, so that `vitest --project daemon` runs one side alone. */
const project = (name: string, timeouts: { testTimeout: number; hookTimeout: number }) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`, `test/${name}/**/*.test.tsx`], ...timeouts },
});

export default defineConfig({
  root,
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx" } },
  test: {
    pool: "forks",
    maxWorkers: 2,
    projects: [
      project("edge", { testTimeout: 20_000, hookTimeout: 60_000 }),
      project("daemon", { testTimeout: 20_000, hookTimeout: 30_000 }),
      project("wire", { testTimeout: 30_000, hookTimeout: 30_000 }),
      project("chaos", { testTimeout: 60_000, hookTimeout: 60_000 }),
      project("portability", { testTimeout: 60_000, hookTimeout: 120_000 }),
      project("end-to-end", { testTimeout: 120_000, hookTimeout: 120_000 }),
      project("architecture", { testTimeout: 60_000, hookTimeout: 60_000 }),
    ],
  },
});
