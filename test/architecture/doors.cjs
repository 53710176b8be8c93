/**
 * The doors of the project, as data: which room may import which. What is not listed is closed.
 * A room is a folder or file below `src/` or `daemon/`; "type:" in front of a name opens the door for types only.
 */
const EDGE_ROOMS = {
  contract: [],
  errors: [],
  password: ["errors"],
  mail: ["errors"],
  db: ["errors"],
  auth: ["password", "db", "mail", "contract", "errors"],
  middleware: ["auth", "contract", "errors"],
  inference: ["contract", "errors"],
  routes: ["auth", "inference", "middleware", "contract", "errors"],
  pages: ["auth", "inference", "middleware", "contract", "errors"],
  app: ["routes", "pages", "middleware", "errors"],
};

const DAEMON_ROOMS = {
  "timer-heap": [],
  clock: ["timer-heap"],
  errors: [],
  log: ["clock", "errors"],
  wire: ["clock", "errors", "type:log"],
  bridge: ["clock", "wire", "errors", "type:log"],
  transport: ["clock", "wire", "type:bridge", "errors", "type:log"],
  supervisor: ["clock", "transport", "wire", "errors", "type:log"],
  http: ["clock", "bridge", "supervisor", "errors", "metrics", "type:log"],
};

/** Packages that live in some rooms only. */
const PACKAGE_ROOMS = {
  "hash-wasm": ["^src/password/"],
  pg: ["^src/db/drivers/"],
  "@electric-sql": ["^src/db/drivers/"],
  "@neondatabase": ["^src/db/drivers/"],
  "drizzle-orm": ["^src/db/"],
  jose: ["^src/auth/", "^daemon/http/"],
  hono: ["^src/(routes|middleware|pages|runtimes)/", "^src/app\\.ts$", "^daemon/http/"],
};

module.exports = { EDGE_ROOMS, DAEMON_ROOMS, PACKAGE_ROOMS };
