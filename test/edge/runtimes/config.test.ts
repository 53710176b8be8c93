import { describe, expect, it } from "vitest";
import { readSettings, SettingsError } from "../../../src/runtimes/config.ts";

const loopback = "http://127.0.0.1:8787";
const https = { APP_ORIGIN: "https://login.example.com" };

describe("the edge's settings", () => {
  it("need nothing on loopback: open registration, standard hashing, PGlite, all names of loopback", () => {
    expect(readSettings({}, loopback)).toMatchObject({
      appOrigin: loopback,
      allowedOrigins: new Set([loopback, "http://localhost:8787", "http://[::1]:8787"]),
      registration: "open",
      hasher: { profile: "standard" },
      passwordMinLength: 15,
      databaseDriver: "pglite",
    });
  });

  it("close registration once the origin is not loopback", () => {
    expect(readSettings(https)).toMatchObject({
      registration: "closed",
      allowedOrigins: new Set([https.APP_ORIGIN]),
    });
  });

  it("take an empty value for an unset one", () => {
    expect(readSettings({ PASSWORD_MIN_LENGTH: "", APP_ORIGIN: "" }, loopback).passwordMinLength).toBe(15);
  });

  it("read the peppers, the last one current", () => {
    const key = Buffer.alloc(32, 7).toString("base64");
    const { hasher } = readSettings({ PASSWORD_PEPPERS: `{"old":"${key}","new":"${key}"}` }, loopback);
    expect(hasher.peppers?.current?.key).toEqual(new Uint8Array(32).fill(7));
    expect(hasher.peppers?.byKeyId.size).toBe(2);
  });

  it("choose Neon by the host", () => {
    const url = "postgres://me:pw@ep-x.eu-central-1.aws.neon.tech/db";
    expect(readSettings({ ...https, DATABASE_URL: url }).databaseDriver).toBe("neon-http");
  });

  it.each([
    ["no origin at all", {}, /APP_ORIGIN is required/],
    ["an origin with a path", { APP_ORIGIN: "https://a.example/login" }, /without a path/],
    ["an origin that is no URL", { APP_ORIGIN: "login" }, /APP_ORIGIN/],
    ["plain http beyond loopback", { APP_ORIGIN: "http://login.example.com" }, /must be https/],
    ["fast hashing beyond loopback", { ...https, PASSWORD_PROFILE: "development" }, /for tests/],
    ["a minimum below the floor", { ...https, PASSWORD_MIN_LENGTH: "7" }, /PASSWORD_MIN_LENGTH must be/],
    ["a number that is none", { ...https, HASH_QUEUE: "1e3" }, /HASH_QUEUE must be/],
    ["peppers that are no JSON", { ...https, PASSWORD_PEPPERS: "c2VjcmV0" }, /PASSWORD_PEPPERS/],
    ["a pepper that is too short", { ...https, PASSWORD_PEPPERS: '{"a":"c2VjcmV0"}' }, /PASSWORD_PEPPERS/],
    ["a database that is not Postgres", { ...https, DATABASE_URL: "mysql://x/y" }, /DATABASE_URL must be/],
    ["a driver without its database", { ...https, DATABASE_DRIVER: "tcp" }, /needs DATABASE_URL/],
    ["a Neon endpoint elsewhere", { ...https, NEON_LOCAL_ADDRESS: "10.0.0.1:1" }, /on loopback/],
  ])("refuse %s with a sentence", (_what, source, sentence) => {
    expect(() => readSettings(source)).toThrow(SettingsError);
    expect(() => readSettings(source)).toThrow(sentence);
  });

  it("never repeat a value that may be secret", () => {
    const source = { ...https, DATABASE_URL: "postgres//user:hunter2@host/db" };
    expect(() => readSettings(source)).toThrow(/^(?!.*hunter2)/);
  });
});
