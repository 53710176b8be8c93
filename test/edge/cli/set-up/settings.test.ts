import { describe, expect, test } from "vitest";
import { readStartSettings } from "../../../../src/cli/set-up/settings.mjs";

describe("readStartSettings", () => {
  test("has the documented defaults", () => {
    expect(readStartSettings({})).toMatchObject({ edgePort: 8787, daemonPort: 8788, embeddedDatabase: true });
    expect(readStartSettings({}).dataDir).toMatch(/\/\.data$/);
  });

  test("reads ports and folder, and leaves the database alone that DATABASE_URL names", () => {
    const env = { EDGE_PORT: "9001", DAEMON_PORT: "9002", DATA_DIR: "/srv/data", DATABASE_URL: "postgres://db/app" };
    expect(readStartSettings(env)).toEqual({
      edgePort: 9001,
      daemonPort: 9002,
      dataDir: "/srv/data",
      embeddedDatabase: false,
    });
  });

  test.each(["abc", "0", "65536", "80.5", "-1", " 80"])("refuses %j as a port, in a sentence", (EDGE_PORT) => {
    expect(() => readStartSettings({ EDGE_PORT })).toThrow("EDGE_PORT is not a port");
  });

  test("refuses one port for both", () => {
    expect(() => readStartSettings({ EDGE_PORT: "9000", DAEMON_PORT: "9000" })).toThrow("need a port each");
  });
});
