import { describe, expect, it } from "vitest";
import { kindOfStoredHash } from "../../../src/password/stored-hash.ts";
import { formatWrappedHash, parseWrappedHash, type WrappedHash } from "../../../src/password/wrapped-hash.ts";

const LONGEST: WrappedHash = {
  digest: {
    algorithm: "sha512",
    order: "password-first",
    passwordEncoding: "utf16le",
    iterations: 100_000,
    salt: new Uint8Array(64).fill(255),
  },
  argon2: {
    parameters: { memoryKiB: 131_072, passes: 10, lanes: 4 },
    keyId: "cHJvZC0wMDE",
    salt: new Uint8Array(16).fill(1),
    tag: new Uint8Array(32).fill(2),
  },
};

describe("the string of a wrapped hash", () => {
  it("has at most 255 characters with everything at its longest, and is read as it was written", () => {
    const text = formatWrappedHash(LONGEST);
    expect(text.length).toBeLessThanOrEqual(255);
    expect(parseWrappedHash(text)).toEqual(LONGEST);
  });

  it("is nothing else than itself", () => {
    const text = formatWrappedHash(LONGEST);
    expect(kindOfStoredHash(text)).toBe("wrapped");
    for (const other of [
      text.replace("argon2id-over-sha512", "argon2id-over-md5"),
      text.replace("$v=19", "$v=16"),
      text.slice(1),
    ]) {
      expect(kindOfStoredHash(other)).toBe("unreadable");
    }
    expect(kindOfStoredHash(text.replace(",i=100000", ",i=100001"))).toBe("unreadable");
    expect(kindOfStoredHash(text.replace("m=131072,t=10", "t=10,m=131072"))).toBe("unreadable");
  });
});

describe("kinds of stored strings", () => {
  it.each([
    ["argon2id", `$argon2id$v=19$m=8192,t=1,p=1$${"A".repeat(22)}$${"A".repeat(43)}`],
    ["legacy", `$legacy-sha256$o=salt-first,e=utf8,i=1$c2FsdA$${"A".repeat(43)}`],
    ["legacy", `$legacy-sha256$o=salt-first,e=utf8,i=1$$${"A".repeat(43)}`],
    ["unreadable", `$legacy-sha256$o=salt-first,e=utf8,i=1$c2FsdA$${"A".repeat(42)}`],
    ["unreadable", `$legacy-sha256$o=salt-first,e=utf8,i=01$c2FsdA$${"A".repeat(43)}`],
    ["unreadable", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"],
    ["unreadable", ""],
  ])("%s: %s", (kind, text) => {
    expect(kindOfStoredHash(text)).toBe(kind);
  });
});
