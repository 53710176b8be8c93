const { DAEMON_ROOMS, EDGE_ROOMS, PACKAGE_ROOMS } = require("./doors.cjs");

/** Matches a room whether it is a file (`src/errors.ts`) or a folder (`src/auth/…`). */
const room = (top, name) => `^${top}/${name}(/|\\.tsx?$)`;

/** One rule a room: it reaches nothing of ours but itself and the rooms it has a door to. */
function roomRules(top, rooms, alsoOpen) {
  return Object.entries(rooms).flatMap(([name, doors]) => {
    const open = doors.filter((door) => !door.startsWith("type:")).map((door) => room(top, door));
    const typesOnly = doors
      .filter((door) => door.startsWith("type:"))
      .map((door) => room(top, door.slice("type:".length)));
    const from = { path: room(top, name) };
    const own = [room(top, name), ...open, ...(alsoOpen[name] ?? [])];
    const rules = [
      {
        name: `${top}-${name}`,
        severity: "error",
        from,
        to: { path: "^(src|daemon)/", pathNot: [...own, ...typesOnly] },
      },
    ];
    if (typesOnly.length > 0) {
      rules.push({
        name: `${top}-${name}-types-only`,
        severity: "error",
        from,
        to: { path: typesOnly, dependencyTypesNot: ["type-only"] },
      });
    }
    return rules;
  });
}

const packageRules = Object.entries(PACKAGE_ROOMS).map(([name, rooms]) => ({
  name: `package-${name.replace("@", "")}`,
  severity: "error",
  from: { path: "^(src|daemon)/", pathNot: rooms },
  to: { path: `(^|/)node_modules/${name}/` },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^cloudflare:" } },
    { name: "edge-never-daemon", severity: "error", from: { path: "^src/" }, to: { path: "^daemon/" } },
    {
      name: "daemon-only-contract",
      severity: "error",
      from: { path: "^daemon/" },
      to: { path: "^src/", pathNot: "^src/contract/" },
    },
    {
      name: "portable-no-node",
      severity: "error",
      from: {
        path: "^src/",
        pathNot: ["^src/(cli|runtimes/node)/", "^src/db/(drivers/(tcp|pglite)|migrator/)", "\\.mjs$"],
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-dev-packages",
      severity: "error",
      from: { path: "^(src|daemon)/", pathNot: "\\.mjs$" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    ...roomRules("src", EDGE_ROOMS, {}),
    ...roomRules("daemon", DAEMON_ROOMS, { http: ["^src/contract/"] }),
    ...packageRules,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(generated|python)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
