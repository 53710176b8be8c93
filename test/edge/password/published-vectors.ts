import type { Variant } from "../../../src/password/fill-kernel.ts";

/** A tag somebody else published, version 0x13, tag of 32 bytes. */
export interface PublishedVector {
  readonly source: string;
  readonly variant: Variant;
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly secret?: Uint8Array;
  readonly associatedData?: Uint8Array;
  /** Hex. */
  readonly tag: string;
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const repeated = (value: number, length: number) => new Uint8Array(length).fill(value);

const rfc9106 = (section: string, variant: Variant, tag: string): PublishedVector => ({
  source: `RFC 9106 section ${section}`,
  variant,
  memoryKiB: 32,
  passes: 3,
  lanes: 4,
  password: repeated(1, 32),
  salt: repeated(2, 16),
  secret: repeated(3, 8),
  associatedData: repeated(4, 12),
  tag,
});

const reference = (
  variant: Variant,
  [passes, memoryBits, lanes]: readonly [number, number, number],
  [password, salt]: readonly [string, string],
  tag: string,
): PublishedVector => ({
  source: "phc-winner-argon2, src/test.c",
  variant,
  memoryKiB: 2 ** memoryBits,
  passes,
  lanes,
  password: utf8(password),
  salt: utf8(salt),
  tag,
});

const SOMESALT = ["password", "somesalt"] as const;

export const PUBLISHED_VECTORS: readonly PublishedVector[] = [
  rfc9106("5.1", "d", "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
  rfc9106("5.2", "i", "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
  rfc9106("5.3", "id", "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
  {
    source: "PHC string format, Example",
    variant: "id",
    memoryKiB: 65_536,
    passes: 2,
    lanes: 1,
    password: utf8("hunter2"),
    salt: Uint8Array.of(0x81, 0x98, 0x95, 0xfc, 0xcd, 0x60, 0x3d, 0xcd, 0xb6, 0x12, 0x50, 7, 0xfc, 0x98, 0x75, 0x1f),
    secret: utf8("pepper"),
    tag: "0963ab928a3ba09050fe2ca1eee2742ced9a2c47eb1f04d6965480c53d33467a",
  },
  reference("i", [2, 16, 1], SOMESALT, "c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0"),
  reference("i", [2, 18, 1], SOMESALT, "296dbae80b807cdceaad44ae741b506f14db0959267b183b118f9b24229bc7cb"),
  reference("i", [2, 8, 1], SOMESALT, "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f"),
  reference("i", [2, 8, 2], SOMESALT, "4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61"),
  reference("i", [1, 16, 1], SOMESALT, "d168075c4d985e13ebeae560cf8b94c3b5d8a16c51916b6f4ac2da3ac11bbecf"),
  reference("i", [4, 16, 1], SOMESALT, "aaa953d58af3706ce3df1aefd4a64a84e31d7f54175231f1285259f88174ce5b"),
  reference(
    "i",
    [2, 16, 1],
    ["differentpassword", "somesalt"],
    "14ae8da01afea8700c2358dcef7c5358d9021282bd88663a4562f59fb74d22ee",
  ),
  reference(
    "i",
    [2, 16, 1],
    ["password", "diffsalt"],
    "b0357cccfbef91f3860b0dba447b2348cbefecadaf990abfe9cc40726c521271",
  ),
  reference("id", [2, 16, 1], SOMESALT, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
  reference("id", [2, 18, 1], SOMESALT, "78fe1ec91fb3aa5657d72e710854e4c3d9b9198c742f9616c2f085bed95b2e8c"),
  reference("id", [2, 8, 1], SOMESALT, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
  reference("id", [2, 8, 2], SOMESALT, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
  reference("id", [1, 16, 1], SOMESALT, "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"),
  reference("id", [4, 16, 1], SOMESALT, "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"),
  reference(
    "id",
    [2, 16, 1],
    ["differentpassword", "somesalt"],
    "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde",
  ),
  reference(
    "id",
    [2, 16, 1],
    ["password", "diffsalt"],
    "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c",
  ),
];
