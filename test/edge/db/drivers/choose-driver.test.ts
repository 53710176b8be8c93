import { describe, expect, it } from "vitest";
import { chooseDriver } from "../../../../src/db/drivers/choose-driver.ts";

describe("chooseDriver", () => {
  it.each([
    [undefined, undefined, "pglite"],
    ["", "", "pglite"],
    [undefined, "pglite", "pglite"],
    ["postgres://u:p@127.0.0.1:5432/db", undefined, "tcp"],
    ["postgresql://u:p@ep-cool-name-123.eu-central-1.aws.neon.tech/db?sslmode=require", undefined, "neon-http"],
    ["postgres://u:p@EP-X.NEON.TECH/db", undefined, "neon-http"],
    ["postgres://u:p@notneon.tech/db", undefined, "tcp"],
    ["postgres://u:p@ep-x.neon.tech.evil.example/db", undefined, "tcp"],
    ["postgres://u:p@ep-x.neon.tech/db", "neon-ws", "neon-ws"],
    ["postgres://u:p@ep-x.neon.tech/db", "tcp", "tcp"],
  ] as const)("for %s and %s takes %s", (url, override, driver) => {
    expect(chooseDriver(url, override)).toBe(driver);
  });

  it.each([
    ["mysql://u:secret@h/db", undefined, "DATABASE_URL must look like postgres://user:password@host/database"],
    ["postgres://u:secret@:99999/db", undefined, "DATABASE_URL must look like postgres://user:password@host/database"],
    [undefined, "tcp", "DATABASE_DRIVER=tcp needs DATABASE_URL"],
    ["postgres://u:secret@h/db", "pglite", "DATABASE_DRIVER=pglite keeps its data under DATA_DIR; unset DATABASE_URL"],
    ["postgres://u:secret@h/db", "mysql", "DATABASE_DRIVER must be one of neon-http, neon-ws, tcp, pglite"],
  ])("refuses %s with %s in a sentence that does not repeat the url", (url, override, sentence) => {
    expect(() => chooseDriver(url, override)).toThrow(new RangeError(sentence));
  });
});
