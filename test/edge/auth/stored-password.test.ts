import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type LegacyScheme, storedPassword } from "../../../src/auth/stored-password.ts";
import { createNodeHasher } from "../../../src/runtimes/node/hasher.ts";

const user = { id: "u", email: "old@example.com", emailVerifiedAt: null, disabledAt: null, createdAt: new Date(0) };
const scheme: LegacyScheme = { order: "salt-password", saltEncoding: "utf8" };
const salt = "00ff10";
const password = "an old password, ö";

const saltBytes = { utf8: Buffer.from(salt), hex: Buffer.from(salt, "hex"), base64: Buffer.from(salt, "base64") };

describe("a password of the old table", () => {
  it.each(
    (["sha256", "sha384", "sha512"] as const).flatMap((algorithm) =>
      (["salt-password", "password-salt"] as const).flatMap((order) =>
        (["utf8", "hex"] as const).map((saltEncoding) => ({ algorithm, order, saltEncoding })),
      ),
    ),
  )("made with $algorithm, $order and a $saltEncoding salt logs in and is then hashed anew", async (made) => {
    const parts = [saltBytes[made.saltEncoding], Buffer.from(password)];
    const input = Buffer.concat(made.order === "salt-password" ? parts : parts.reverse());
    const passwordHash = createHash(made.algorithm).update(input).digest("hex");
    const stored = storedPassword({ user, passwordHash, salt }, made);
    const hasher = createNodeHasher({ profile: "development", threads: 1 });
    expect(await hasher.verify(password, stored)).toEqual({ ok: true, needsRehash: true });
    expect(await hasher.verify(`${password}!`, stored)).toMatchObject({ ok: false });
    await hasher.close();
  });

  it("is the stored string itself once there is no salt column any more", () => {
    expect(storedPassword({ user, passwordHash: "$argon2id$…", salt: null }, scheme)).toBe("$argon2id$…");
  });

  it.each(["", "zz".repeat(32), "ab".repeat(20)])(
    "that is no hex SHA-2 (%j) is our error, not a wrong password",
    (digest) => {
      expect(() => storedPassword({ user, passwordHash: digest, salt }, scheme)).toThrow(
        expect.objectContaining({ code: "HASH_UNREADABLE" }),
      );
    },
  );
});
