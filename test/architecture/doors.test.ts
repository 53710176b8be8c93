import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ICruiseResult, IFlattenedRuleSet } from "dependency-cruiser";
import { cruise } from "dependency-cruiser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const load = createRequire(import.meta.url);
const { DAEMON_ROOMS, EDGE_ROOMS, PACKAGE_ROOMS } = load("./doors.cjs") as {
  DAEMON_ROOMS: Record<string, string[]>;
  EDGE_ROOMS: Record<string, string[]>;
  PACKAGE_ROOMS: Record<string, string[]>;
};
const config = load("./dependency-cruiser.cjs") as IFlattenedRuleSet & { options: object };

/** A file of the room that imports something it has no door to. */
interface Breakage {
  readonly rule: string;
  readonly file: string;
  readonly source: string;
}

/** Every closed door of a set of rooms, broken once: the room with each room it may not import. */
function breakRooms(top: string, rooms: Record<string, string[]>): Breakage[] {
  const names = Object.keys(rooms);
  return names.flatMap((name) => {
    const doors = rooms[name] ?? [];
    const closed = names.filter(
      (other) => other !== name && !doors.includes(other) && !doors.includes(`type:${other}`),
    );
    const values = closed.map((other) => ({
      rule: `${top}-${name}`,
      file: `${top}/${name}/breaks-${other}.ts`,
      source: `import { probe } from "../${other}/probe.ts";\nexport const value = probe;\n`,
    }));
    const types = doors
      .filter((door) => door.startsWith("type:"))
      .map((door) => door.slice("type:".length))
      .map((other) => ({
        rule: `${top}-${name}-types-only`,
        file: `${top}/${name}/breaks-types-of-${other}.ts`,
        source: `import { probe } from "../${other}/probe.ts";\nexport const value = probe;\n`,
      }));
    return [...values, ...types];
  });
}

const probe = (path: string) => `import { probe } from "${path}";\nexport const value = probe;\n`;

const breakages: Breakage[] = [
  ...breakRooms("src", EDGE_ROOMS),
  ...breakRooms("daemon", DAEMON_ROOMS),
  ...Object.keys(PACKAGE_ROOMS).map((name) => {
    const specifier =
      { "@electric-sql": "@electric-sql/pglite", "@neondatabase": "@neondatabase/serverless" }[name] ?? name;
    const file = `src/mail/breaks-package-${name.replace("@", "")}.ts`;
    return { rule: `package-${name.replace("@", "")}`, file, source: `import "${specifier}";\n` };
  }),
  { rule: "edge-never-daemon", file: "src/cli/breaks-daemon.ts", source: probe("../../daemon/wire/probe.ts") },
  { rule: "daemon-only-contract", file: "daemon/http/breaks-edge.ts", source: probe("../../src/auth/probe.ts") },
  { rule: "portable-no-node", file: "src/routes/breaks-node.ts", source: 'import "node:fs";\n' },
  { rule: "no-dev-packages", file: "src/routes/breaks-dev.ts", source: 'import "vitest";\n' },
  { rule: "no-unresolvable", file: "src/routes/breaks-unresolvable.ts", source: 'import "./nowhere.ts";\n' },
  {
    rule: "no-cycle",
    file: "src/mail/breaks-cycle-back.ts",
    source: 'import "./breaks-cycle.ts";\nexport const b = 1;\n',
  },
];

async function run(baseDir: string): Promise<ICruiseResult> {
  const { options, ...rules } = config;
  const result = await cruise(["src", "daemon"], { ...options, baseDir, validate: true, ruleSet: rules });
  return result.output as ICruiseResult;
}

describe("doors between rooms", () => {
  let broken: string;
  let found: Set<string>;

  beforeAll(async () => {
    broken = mkdtempSync(join(tmpdir(), "gatehouse-doors-"));
    symlinkSync(join(root, "node_modules"), join(broken, "node_modules"));
    for (const file of ["package.json", "tsconfig.json"]) cpSync(join(root, file), join(broken, file));
    const rooms = [
      ...Object.keys(EDGE_ROOMS).map((name) => `src/${name}`),
      ...Object.keys(DAEMON_ROOMS).map((name) => `daemon/${name}`),
    ];
    for (const name of rooms) write(broken, `${name}/probe.ts`, "export const probe = 1;\n");
    for (const { file, source } of breakages) write(broken, file, source);
    write(broken, "src/mail/breaks-cycle.ts", 'import "./breaks-cycle-back.ts";\nexport const a = 1;\n');
    const { summary } = await run(broken);
    found = new Set(summary.violations.map((violation) => `${violation.rule.name} ${violation.from}`));
  });

  afterAll(() => rmSync(broken, { recursive: true, force: true }));

  it("are all kept by the sources, and the checker saw the sources", async () => {
    const { summary, modules } = await run(root);
    expect(summary.violations).toEqual([]);
    expect(modules.filter(({ source }) => source.startsWith("src/")).length).toBeGreaterThan(40);
    expect(modules.filter(({ source }) => source.startsWith("daemon/")).length).toBeGreaterThan(15);
  });

  it.each(breakages)("$rule notices $file", ({ rule, file }) => {
    expect(found).toContain(`${rule} ${file}`);
  });

  it("has a breakage for every rule of the configuration", () => {
    const rules = (config.forbidden ?? []).map(({ name }) => name);
    expect([...new Set(breakages.map(({ rule }) => rule))].sort()).toEqual(rules.sort());
  });
});

function write(base: string, file: string, source: string): void {
  mkdirSync(dirname(join(base, file)), { recursive: true });
  writeFileSync(join(base, file), source);
}
