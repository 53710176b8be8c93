import { type Algorithm, hashRawSync, type Version } from "@node-rs/argon2";
import { argon2id } from "hash-wasm";
import type { DifferentialCase } from "./differential-cases.ts";

const fromHex = (hex: string) => Buffer.from(hex, "hex");

/** The tag according to the native implementation, in hex. */
export function nativeTag({ memoryKiB, passes, lanes, password, salt, secret, tagBytes }: DifferentialCase): string {
  const tag = hashRawSync(fromHex(password), {
    // The package's enums are const, which a file on its own cannot read.
    algorithm: 2 as Algorithm.Argon2id,
    version: 1 as Version.V0x13,
    memoryCost: memoryKiB,
    timeCost: passes,
    parallelism: lanes,
    outputLen: tagBytes,
    salt: fromHex(salt),
    ...(secret === "" ? {} : { secret: fromHex(secret) }),
  });
  return tag.toString("hex");
}

/** The tag according to hash-wasm, in hex; undefined for an empty password, which it refuses. */
export async function hashWasmTag(asked: DifferentialCase): Promise<string | undefined> {
  if (asked.password === "") {
    return undefined;
  }
  return await argon2id({
    password: fromHex(asked.password),
    salt: fromHex(asked.salt),
    secret: fromHex(asked.secret),
    memorySize: asked.memoryKiB,
    iterations: asked.passes,
    parallelism: asked.lanes,
    hashLength: asked.tagBytes,
  });
}
