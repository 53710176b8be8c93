import { type Algorithm, hashRaw } from "@node-rs/argon2";
import argon2 from "argon2";
import { COST, type Contender, PASSWORD, SALT, TAG_BYTES } from "./contenders.ts";

/** Those that are native code for Node: what WebAssembly is measured against, and cannot reach. */
export function nativeContenders(): Contender[] {
  const { memoryKiB, passes, lanes } = COST;
  const cost = { memoryCost: memoryKiB, timeCost: passes, parallelism: lanes, salt: Buffer.from(SALT) };
  return [
    {
      name: "@node-rs/argon2 (native)",
      // The package's enum is const, which a file on its own cannot read.
      hash: () => hashRaw(PASSWORD, { ...cost, algorithm: 2 as Algorithm.Argon2id, outputLen: TAG_BYTES }),
    },
    {
      name: "argon2 (native)",
      hash: () => argon2.hash(PASSWORD, { ...cost, type: argon2.argon2id, hashLength: TAG_BYTES, raw: true }),
    },
  ];
}
